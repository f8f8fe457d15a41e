-- What each budget has left, day by day. A budget in the reporting currency counts all costs, any other
-- those that are billed in its currency.
{%- set marts = ['customer_id', 'feature', 'workflow', 'model'] %}
with budgets as (
    select
        *,
        case period_kind
            when 'day' then interval 1 day
            when 'week' then interval 7 days
            when 'month' then interval 1 month
            when 'quarter' then interval 3 months
            else interval 1 year
        end as period_length
    from {{ ref('stg_lake__budgets') }}
),

reporting as (
    select max(reporting_currency) as reporting_currency
    from {{ ref('stg_lake__reporting_currencies') }}
),

-- Only of entities that have a budget.
costs as (
    {%- for entity in marts %}
    select
        charge_date, '{{ entity }}' as entity, {{ entity }} as value, billing_currency, effective_cost,
        reporting_currency, reporting_cost
    from {{ ref(entity | replace('_id', '') ~ '_costs_daily') }}
    where
        effective_cost is not null
        and exists (select 1 from budgets where budgets.entity = '{{ entity }}')
    union all
    {%- endfor %}
    {%- for entity, value in [('team', 'team'), ('environment', 'environment'), ('all', "'(all)'")] %}
    select
        charge_date, '{{ entity }}', {{ value }}, billing_currency, effective_cost, reporting_currency, reporting_cost
    from {{ ref('int_team_costs_daily') }}
    where exists (select 1 from budgets where budgets.entity = '{{ entity }}')
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

days as (
    select distinct charge_date
    from {{ ref('int_day_inputs') }}
),

-- A star is every value that has a name.
budgeted as (
    select distinct
        budgets.* replace (costs.value as value),
        coalesce(budgets.billing_currency = reporting.reporting_currency, false) as is_reporting
    from budgets
    cross join reporting
    inner join (
        select distinct entity, value from costs
        union
        select entity, value from budgets where value <> '*'
    ) as costs
        on
            budgets.entity = costs.entity
            and (
                budgets.entity = 'all' or budgets.value = costs.value
                or (budgets.value = '*' and costs.value not in ('(none)', '*'))
            )
),

spent as (
    select
        budgets.budget_id,
        budgets.value,
        budgets.valid_from,
        costs.charge_date,
        -- What is billed in the budget's currency has fewer decimals than what is converted to it.
        sum(costs.effective_cost) filter (where budgets.billing_currency = costs.billing_currency)
        ::decimal(38, 12) as day_cost,
        sum(costs.reporting_cost) filter (where budgets.billing_currency <> costs.billing_currency)
        ::decimal(38, 21) as converted_day_cost
    from budgeted as budgets
    inner join costs
        on
            budgets.entity = costs.entity
            and budgets.value = costs.value
            and (budgets.is_reporting or budgets.billing_currency = costs.billing_currency)
    group by all
),

-- What windows pass on takes longer than what they add up: few columns.
periods as (
    select
        budgets.budget_id,
        budgets.value,
        budgets.valid_from,
        days.charge_date,
        date_trunc(budgets.period_kind, days.charge_date)::date as period_start,
        coalesce(spent.day_cost, 0)::decimal(38, 12) as day_cost,
        spent.converted_day_cost
    from budgeted as budgets
    cross join days
    left join spent
        on
            budgets.budget_id = spent.budget_id
            and budgets.value = spent.value
            and budgets.valid_from is not distinct from spent.valid_from
            and days.charge_date = spent.charge_date
),

totals as (
    select
        *,
        sum(day_cost) over so_far as so_far_cost,
        sum(converted_day_cost) over so_far as converted_so_far_cost,
        sum(day_cost) over last_week as last_week_cost,
        sum(converted_day_cost) over last_week as converted_last_week_cost,
        count(*) over last_week as week_days
    from periods
    window
        so_far as (partition by budget_id, value, valid_from, period_start order by charge_date),
        last_week as (
            partition by budget_id, value, valid_from order by charge_date
            range between interval 6 days preceding and current row
        )
),

summed as (
    select
        budgets.*,
        totals.charge_date,
        totals.period_start,
        (totals.period_start + budgets.period_length)::date - totals.period_start as period_days,
        (totals.charge_date - totals.period_start + 1)::bigint as elapsed_days,
        {{ with_converted('totals.day_cost', 'totals.converted_day_cost') }} as all_day_cost,
        {{ with_converted('totals.so_far_cost', 'totals.converted_so_far_cost') }} as spent_cost,
        {{ with_converted('totals.last_week_cost', 'totals.converted_last_week_cost') }} as week_cost,
        totals.week_days
    from totals
    inner join budgeted as budgets
        on
            totals.budget_id = budgets.budget_id
            and totals.value = budgets.value
            and totals.valid_from is not distinct from budgets.valid_from
),

-- Of few: dividing takes as long as all else.
evens as (
    select
        *,
        {{ unit_cost('(amount * elapsed_days::decimal(4, 0))::decimal(38, 12)', 'period_days') }} as even_cost
    from (select distinct amount, elapsed_days, period_days from summed) as distinct_days
)

select
    summed.budget_id,
    summed.entity,
    summed.value,
    summed.period_kind,
    summed.period_start,
    summed.charge_date,
    summed.billing_currency,
    summed.owner,
    summed.amount,
    summed.thresholds,
    summed.period_days::bigint as period_days,
    summed.elapsed_days,
    summed.all_day_cost as day_cost,
    summed.spent_cost,
    (summed.amount - summed.spent_cost)::decimal(38, 12) as remaining_cost,
    evens.even_cost,
    case
        when summed.elapsed_days = summed.period_days then {{ rounded('summed.spent_cost', 'decimal(38, 6)') }}
        when summed.week_days = 7
            then {{ rounded('summed.spent_cost + ' ~ unit_cost(
                '(week_cost * (summed.period_days - summed.elapsed_days)::decimal(4, 0))::decimal(38, 12)', '7'
            ), 'decimal(38, 6)') }}
    end::decimal(38, 6) as period_cost_estimate
from summed
inner join evens
    on
        summed.amount = evens.amount and summed.elapsed_days = evens.elapsed_days
        and summed.period_days = evens.period_days
where
    coalesce(summed.period_start >= summed.valid_from, true)
    and coalesce(summed.period_start < summed.valid_to, true)
order by summed.budget_id, summed.entity, summed.value, summed.charge_date
