-- How much the cost of an inference differs from hour to hour of a day.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(
    materialized='daily_parquet', schema='intermediate', contract={'enforced': false},
    meta={'day_hash': 'attempts_hash'}
) }}
{%- set hour = "date_trunc('hour', ended_at)" -%}
with attempts as (
    select attempt_id, inference_id, model, feature, billing_currency, direct_cost, {{ hour }} as hour, is_ended
    from {{ ref('attempt_costs') }}
    where charge_date = {{ charge_date() }} and {{ is_production() }}
),

shares as (
    select
        shares.pool,
        rates.billing_currency,
        shares.attempt_id,
        shares.effective_cost,
        date_trunc('hour', rates.started_at) as hour
    from {{ ref('int_capacity_shares') }} as shares
    inner join {{ ref('int_machine_rates') }} as rates on shares.charge_group_id = rates.charge_group_id
    where shares.charge_date = {{ charge_date() }}
),

hours as (
    -- All of a pool's machines, idle and starting ones too, by the inferences that ran on them.
    select
        'pool' as entity,
        shares.pool as value,
        shares.billing_currency,
        shares.hour,
        sum(shares.effective_cost) as cost,
        count(distinct attempts.inference_id) as inferences
    from shares
    left join attempts on shares.attempt_id = attempts.attempt_id
    group by all
    {%- for entity in ['model', 'feature'] %}
    union all
    select
        '{{ entity }}',
        {{ entity }},
        billing_currency,
        hour,
        sum(direct_cost),
        count(distinct inference_id) filter (where is_ended)
    from attempts
    where billing_currency is not null
    group by all
    {%- endfor %}
),

unit_costs as (
    select
        *,
        cost::double / nullif(inferences, 0) as unit_cost
    from hours
)

select
    {{ charge_date() }} as charge_date,
    entity,
    value,
    billing_currency,
    count(unit_cost) as hours,
    count(*) filter (where inferences = 0) as hours_without_inferences,
    sum(inferences)::bigint as inferences,
    sum(cost)::decimal(38, 12) as cost,
    -- Rounded: the last digits of a sum of doubles are those of its order.
    if(
        count(unit_cost) >= 2, round(stddev_pop(unit_cost) / nullif(avg(unit_cost), 0), 9), null
    ) as coefficient_of_variation,
    case when count(unit_cost) < 2 then 'fewer than two hours with inferences' end as volatility_reason
from unit_costs
group by entity, value, billing_currency
