-- Revenue counts for the days on which there are costs; a customer's cost is of the product and plan that
-- its revenue of the day names, else of the plan that the customer has.
with costs_by_day as (
    select
        charge_date,
        strftime(charge_date, '%Y-%m') as charge_month,
        currency,
        customer_id,
        sum(cost) filter (where layer = 'infrastructure') as infrastructure_cost,
        sum(cost) filter (where layer = 'llm') as llm_cost,
        sum(cost) filter (where layer = 'shared') as shared_cost,
        sum(cost) as cost
    from {{ ref('int_margin_costs') }}
    group by charge_date, currency, customer_id
),

sold as (
    select
        days.charge_date,
        days.customer_id,
        count(distinct revenue.product) as products,
        min(revenue.product) as product,
        count(distinct revenue.plan) as plans,
        min(revenue.plan) as plan
    from (select distinct charge_date, charge_month, customer_id from costs_by_day) as days
    inner join {{ ref('int_revenue_months') }} as revenue
        on
            days.customer_id = revenue.customer_id
            and days.charge_month = revenue.charge_month
            and days.charge_date >= revenue.earned_from
            and days.charge_date < revenue.earned_to
    group by days.charge_date, days.customer_id
),

{{ margin_plans() }},

costs as (
    select
        costs.*,
        case when sold.products > 1 then '(several)' else coalesce(sold.product, '(none)') end as product,
        case
            when sold.plans > 1 then '(several)'
            when costs.charge_date < plans.plan_to then coalesce(sold.plan, plans.plan, '(none)')
            else coalesce(sold.plan, '(none)')
        end as plan
    from costs_by_day as costs
    left join sold on costs.charge_date = sold.charge_date and costs.customer_id = sold.customer_id
    asof left join plans on costs.customer_id = plans.customer_id and costs.charge_date >= plans.plan_from
),

{%- set scopes = {'total': "'(all)'", 'customer': 'customer_id', 'product': 'product', 'plan': 'plan'} %}

costs_by_scope as (
    {%- for scope, value in scopes.items() %}
    select
        charge_month,
        currency,
        '{{ scope }}' as scope,
        {{ value }} as value,
        coalesce(sum(infrastructure_cost), 0) as infrastructure_cost,
        coalesce(sum(llm_cost), 0) as llm_cost,
        coalesce(sum(shared_cost), 0) as shared_cost,
        sum(cost) as cost
    from costs
    group by all
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

revenue as (
    {%- for scope, value in scopes.items() %}
    select
        charge_month,
        reporting_currency as currency,
        '{{ scope }}' as scope,
        coalesce({{ value }}, '(none)') as value,
        min(currency) filter (where reporting_revenue is null) as unconverted,
        if(bool_and(reporting_revenue is not null), sum(reporting_revenue), null) as revenue
    from {{ ref('int_revenue_months') }}
    group by all
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

months as (
    select
        strftime(charge_date, '%Y-%m') as charge_month,
        count(distinct charge_date) as days
    from {{ ref('int_day_inputs') }}
    group by 1
)

select
    coalesce(costs.charge_month, revenue.charge_month) as charge_month,
    coalesce(costs.currency, revenue.currency) as currency,
    coalesce(costs.scope, revenue.scope) as scope,
    coalesce(costs.value, revenue.value) as value,
    months.days,
    revenue.revenue::decimal(38, 21) as revenue,
    costs.infrastructure_cost::decimal(38, 21) as infrastructure_cost,
    costs.llm_cost::decimal(38, 21) as llm_cost,
    costs.shared_cost::decimal(38, 21) as shared_cost,
    costs.cost::decimal(38, 21) as cost,
    (revenue.revenue - costs.cost)::decimal(38, 21) as gross_margin,
    {% for name, layers in {
        'cloud_efficiency_rate': 'cost', 'infrastructure_efficiency_rate': 'infrastructure_cost',
        'infrastructure_and_llm_efficiency_rate': 'infrastructure_cost + costs.llm_cost'
    }.items() -%}
    case
        when revenue.revenue > 0 then (1 - (costs.{{ layers }}) / revenue.revenue)::decimal(18, 6)
    end as {{ name }},
    {% endfor -%}
    case
        when revenue.unconverted is not null
            then 'no exchange rate of ' || revenue.unconverted || ' in ' || revenue.charge_month
        when coalesce(costs.value, revenue.value) = '(none)' and revenue.revenue is null
            then 'cost of no ' || costs.scope || ' that is known'
        when revenue.revenue is null and costs.scope = 'total' then 'no revenue in this month'
        when revenue.revenue is null then 'no revenue of this ' || costs.scope || ' in this month'
        when costs.cost is null then 'no cost of this ' || revenue.scope || ' in this month'
        when revenue.revenue <= 0 then 'revenue is not positive'
    end as reason
from costs_by_scope as costs
full join revenue
    on
        costs.charge_month = revenue.charge_month
        and costs.currency = revenue.currency
        and costs.scope = revenue.scope
        and costs.value = revenue.value
left join months on coalesce(costs.charge_month, revenue.charge_month) = months.charge_month
