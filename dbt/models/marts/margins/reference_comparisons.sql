-- Ratios of money are taken in one currency: costs of different currencies are not mixed.
with months as (
    select distinct charge_month
    from {{ ref('margins') }}
),

efficiency as (
    select
        charge_month,
        any_value(cloud_efficiency_rate) filter (where scope = 'total') as rate,
        any_value(reason) filter (where scope = 'total') as reason,
        sum(cost) filter (where scope = 'customer' and value <> '(none)')
        / nullif(sum(cost) filter (where scope = 'customer'), 0) as with_customer,
        count(distinct currency) as currencies
    from {{ ref('margins') }}
    group by charge_month
),

drivers as (
    select
        strftime(charge_date, '%Y-%m') as charge_month,
        sum(cost) filter (where is_of_requests) / nullif(sum(cost), 0) as with_request,
        sum(cost) filter (where cost_driver = 'inference_compute_gpu') / nullif(sum(cost) filter (
            where machine = 'gpu' and cost_driver in ('inference_compute_gpu', 'idle_capacity', 'start_up')
        ), 0) as gpu_busy
    from (
        select
            costs.*,
            coalesce({{ in_reporting_currency('costs.effective_cost') }}, costs.effective_cost::decimal(38, 21)) as cost
        from {{ ref('int_driver_costs') }} as costs
        {{ join_exchange_rates('costs') }}
    ) as converted
    group by 1
),

discounts as (
    select
        billing_period as charge_month,
        1 - sum(effective) filter (where kind = 'commitment') / nullif(sum(list) filter (where kind = 'commitment'), 0)
            as commitment_discount,
        1 - sum(effective) filter (where kind = 'spot') / nullif(sum(list) filter (where kind = 'spot'), 0)
            as spot_discount
    from (
        select
            costs.billing_period,
            costs.kind,
            coalesce({{ in_reporting_currency('costs.effective_cost') }}, costs.effective_cost::decimal(38, 21))
                as effective,
            coalesce({{ in_reporting_currency('costs.list_cost') }}, costs.list_cost::decimal(38, 21)) as list
        from (
            select
                source,
                billing_period,
                billing_currency,
                'commitment' as kind,
                effective_cost,
                covered_list_cost as list_cost
            from {{ ref('commitments') }}
            where covered_list_cost is not null
            union all
            select source, billing_period, billing_currency, 'spot', effective_cost, on_demand_cost_estimate
            from {{ ref('spot_costs') }}
            where on_demand_cost_estimate is not null
        ) as costs
        {{ join_exchange_rates('costs') }}
    ) as converted
    group by billing_period
),

measured as (
    select
        months.charge_month,
        coalesce(efficiency.currencies, 0) = 1 as is_one_currency,
        efficiency.reason as efficiency_reason,
        efficiency.rate as cloud_efficiency_rate,
        efficiency.with_customer as cost_with_customer,
        drivers.with_request as cost_with_request,
        drivers.gpu_busy,
        discounts.commitment_discount,
        discounts.spot_discount
    from months
    left join efficiency on months.charge_month = efficiency.charge_month
    left join drivers on months.charge_month = drivers.charge_month
    left join discounts on months.charge_month = discounts.charge_month
),

ours as (
    {%- set measures = {
        'cloud_efficiency_rate': 'efficiency_reason',
        'cost_with_customer': "'part of our cost, not of companies'",
        'cost_with_request': "'part of our cost that single requests caused, not of companies'",
        'gpu_busy': "'by cost, of GPU time that telemetry saw'",
        'commitment_discount': "'all commitments, their unused part included'",
        'spot_discount': "'against the on-demand price of the same bill'"
    } %}
    {%- for measure, reason in measures.items() %}
    select
        charge_month,
        '{{ measure }}' as measure,
        if(is_one_currency, {{ measure }} * 100, null) as ours,
        is_one_currency,
        if(is_one_currency, {{ reason }}, 'no reporting currency is configured') as reason
    from measured
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    months.charge_month,
    figures.figure,
    figures.value as reference_value,
    figures.unit,
    ours.ours::decimal(18, 6) as ours,
    (ours.ours - figures.value)::decimal(18, 6) as difference,
    case figures.better
        when 'higher' then ours.ours >= figures.value
        when 'lower' then ours.ours <= figures.value
    end as is_better,
    case
        when figures.compared_with is null then 'no measure of ours is the same'
        when ours.ours is null and figures.compared_with = 'cloud_efficiency_rate' then ours.reason
        when ours.ours is null and not ours.is_one_currency then ours.reason
        when ours.ours is null then 'nothing to measure it on in this month'
        else ours.reason
    end as reason,
    figures.source,
    figures.recorded_on
from months
cross join {{ ref('reference_figures') }} as figures
left join ours on months.charge_month = ours.charge_month and figures.compared_with = ours.measure
