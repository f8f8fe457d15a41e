-- How much the cost of an inference differs from hour to hour of a day.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(
    materialized='daily_parquet', schema='intermediate', contract={'enforced': false},
    meta={'is_of_days': true, 'day_hash': 'attempts_hash'}
) }}
-- Most inferences are one attempt, and only counted. The others are found by hashes: one that two inferences
-- share does no harm, both are told apart.
with several as materialized (
    select hash(inference_id) as key
    from {{ ref('int_inference_counts') }}
    where {{ is_of_days('charge_date') }} and inference_id is not null
    union
    select hash(inference_id)
    from {{ ref('attempt_costs') }}
    where {{ is_of_days('charge_date') }} and not is_ended
),

attempts as materialized (
    select
        charge_date,
        model,
        feature,
        billing_currency,
        date_trunc('hour', ended_at) as hour,
        if(hash(inference_id) in (select several.key from several), inference_id, null) as inference_id,
        sum(direct_cost) as cost,
        count(*) filter (where is_ended) as ended
    from {{ ref('attempt_costs') }}
    where {{ is_of_days('charge_date') }} and billing_currency is not null and {{ is_production() }}
    group by all
),

-- Of what ran on machines, all that is not an inference of production by itself.
told_apart as materialized (
    select
        charge_date,
        attempt_id,
        if({{ is_production() }}, inference_id, null) as inference_id
    from {{ ref('attempt_costs') }}
    where
        {{ is_of_days('charge_date') }}
        and capacity_cost is not null
        and (not {{ is_production() }} or hash(inference_id) in (select several.key from several))
),

hours as (
    -- All of a pool's machines, idle and starting ones too, by the inferences that ran on them.
    select
        shares.charge_date,
        'pool' as entity,
        shares.pool as value,
        rates.billing_currency,
        date_trunc('hour', rates.started_at) as hour,
        sum(shares.effective_cost) as cost,
        count(distinct if(told_apart.attempt_id is null, shares.attempt_id, null))
        + count(distinct told_apart.inference_id) as inferences
    from {{ ref('int_capacity_shares') }} as shares
    inner join {{ ref('int_machine_rates') }} as rates on shares.charge_group_id = rates.charge_group_id
    left join told_apart
        on shares.charge_date = told_apart.charge_date and shares.attempt_id = told_apart.attempt_id
    where {{ is_of_days('shares.charge_date') }}
    group by all
    {%- for entity in ['model', 'feature'] %}
    union all
    select
        charge_date,
        '{{ entity }}',
        {{ entity }},
        billing_currency,
        hour,
        sum(cost),
        (
            coalesce(sum(ended) filter (where inference_id is null), 0)
            + count(distinct inference_id) filter (where ended > 0)
        )::bigint
    from attempts
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
    charge_date,
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
group by charge_date, entity, value, billing_currency
