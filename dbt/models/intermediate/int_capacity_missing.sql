-- One row a day, model, currency, kind of entity and its value: what the GPU time of its attempts that
-- were counted and not traced cost, in 10^-9 of the currency; entity 'engine' is all that the engines
-- counted beyond the traced, whoever it was for.
-- A value's missing tokens of an hour ran on replicas whose engines miss tokens in that hour: at most on
-- the dearest of them. A replica's rate is what its traced attempts paid for a weighted token on the day.
-- What a ghost took may have been the traced attempts' own, where the missing ones ran at another time:
-- at most, all of it was (`regained`; of a single attempt it differs from its part by about a half), and
-- rates are what they then paid.
-- Hours are looked at apart, but a day misses no more than the day: at the ends of hours counters and
-- spans differ by what is under way.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(materialized='daily_parquet', meta={'day_hash': 'attempts_hash'}) }}
with shares as (
    select charge_group_id, attempt_id, is_ghost, effective_cost
    from {{ ref('int_capacity_shares') }}
    where charge_date = {{ charge_date() }} and state = 'busy' and (attempt_id is not null or is_ghost)
),

ghosts as (
    select
        charge_group_id,
        (sum(effective_cost) filter (where is_ghost))::double
        / nullif(sum(effective_cost) filter (where not is_ghost), 0)::double as ratio
    from shares
    where charge_group_id in (select haunted.charge_group_id from shares as haunted where haunted.is_ghost)
    group by charge_group_id
),

haunted as (
    select
        shares.attempt_id,
        sum(cast(round({{ nano('shares.effective_cost') }} * ghosts.ratio) as bigint))::bigint as units
    from shares
    inner join ghosts on shares.charge_group_id = ghosts.charge_group_id
    where shares.attempt_id is not null and ghosts.ratio is not null
    group by shares.attempt_id
),

attempts as (
    select
        attempts.pod_uid,
        attempts.billing_currency,
        {% for entity in entities() -%}
        attempts.{{ entity }},
        {% endfor -%}
        date_trunc('hour', attempts.ended_at) as hour,
        coalesce(attempts.uncached_input_tokens, 0) + 2 * coalesce(attempts.output_tokens, 0) as weight,
        coalesce(haunted.units, 0) as regained,
        {{ nano('attempts.direct_cost') }} + coalesce(haunted.units, 0) as units
    from {{ ref('attempt_costs') }} as attempts
    left join haunted on attempts.attempt_id = haunted.attempt_id
    where
        attempts.charge_date = {{ charge_date() }}
        and attempts.is_ended
        and attempts.pod_uid is not null
        and attempts.status not in ('rejected', 'cached')
),

rated as (
    select
        model,
        billing_currency,
        pod_uid,
        sum(units)::double / sum(weight)::double as rate,
        sqrt(greatest(
            sum(units::hugeint * units // weight)::double / sum(weight)::double
            - power(sum(units)::double / sum(weight)::double, 2),
            0
        )) as deviation,
        max(units / weight::double) as greatest_rate
    from attempts
    where units is not null and weight > 0
    group by grouping sets ((model, billing_currency, pod_uid), (model, billing_currency))
),

-- Where nothing was traced on a replica, it was as dear as the dearest of the model.
rates as (
    select
        *,
        max(rate) over (partition by model, billing_currency) as dearest_rate,
        max(greatest_rate) over (partition by model, billing_currency) as dearest_greatest_rate
    from rated
),

models as (
    select * from rates where pod_uid is null
),

counted as (
    select
        deltas.counted_by,
        coalesce(aliases.model, deltas.model) as model,
        deltas.pod_uid,
        date_trunc('hour', deltas.counted_from) as hour,
        {% for entity in entities() | reject('equalto', 'model') -%}
        deltas.{{ entity }},
        {% endfor -%}
        sum(deltas.quantity) filter (where deltas.counter = 'requests') as requests,
        coalesce(sum(deltas.quantity) filter (where deltas.counter = 'input_tokens'), 0)
        - coalesce(sum(deltas.quantity) filter (where deltas.counter = 'cache_read_tokens'), 0)
        + 2 * coalesce(sum(deltas.quantity) filter (where deltas.counter = 'output_tokens'), 0) as weight
    from {{ ref('stg_lake__counter_deltas') }} as deltas
    left join {{ ref('stg_lake__model_aliases') }} as aliases
        on
            deltas.model = aliases.name
            and coalesce(aliases.valid_from <= {{ charge_date() }}, true)
            and coalesce(aliases.valid_to > {{ charge_date() }}, true)
    where
        deltas.counted_from >= cast({{ charge_date() }} as timestamp)
        and deltas.counted_from < cast({{ charge_date() }} as timestamp) + interval 1 day
    group by all
),

sides as (
    select 'engine' as entity, model, coalesce(pod_uid, '(all)') as value, hour, 0 as requests, weight, 0 as traced
    from counted
    where counted_by = 'engine' and model is not null
    union all
    select 'engine', model, pod_uid, hour, 0, 0, weight
    from attempts
    where model in (select counted.model from counted where counted.counted_by = 'engine')
    {%- for entity in entities() | reject('equalto', 'model') %}
    union all
    select '{{ entity }}', model, coalesce({{ entity }}, '(none)'), hour, coalesce(requests, 0), weight, 0
    from (
        select *
        from counted
        where counted_by <> 'engine' and model in (select models.model from models)
        qualify
            count({{ entity }}) over (partition by model, counted_by) > 0
            and counted_by = max(counted_by) over (partition by model)
    ) as labelled
    union all
    select '{{ entity }}', model, {{ entity }}, hour, -1, 0, weight
    from attempts
    where model in (select counted.model from counted where counted.counted_by <> 'engine')
    {%- endfor %}
),

hours as (
    select
        entity,
        model,
        value,
        hour,
        greatest(sum(requests), 1)::double as requests,
        greatest(sum(weight) - sum(traced), 0)::double as hour_weight,
        greatest(sum(sum(weight) - sum(traced)) over (partition by entity, model, value), 0)::double as day_weight
    from sides
    group by entity, model, value, hour
),

missing as (
    select
        entity,
        model,
        value,
        hour,
        requests,
        hour_weight * least(day_weight / sum(hour_weight) over (partition by entity, model, value order by hour
            rows between unbounded preceding and unbounded following), 1) as weight
    from hours
    where hour_weight > 0 and day_weight > 0
),

replicas as (
    select
        missing.model,
        missing.hour,
        models.billing_currency,
        missing.value as pod_uid,
        missing.weight,
        coalesce(rates.rate, models.dearest_rate) as rate,
        coalesce(rates.deviation, models.deviation) as deviation,
        coalesce(rates.greatest_rate, models.dearest_greatest_rate) as greatest_rate
    from missing
    inner join models on missing.model = models.model
    left join rates
        on
            missing.value = rates.pod_uid
            and models.model = rates.model
            and models.billing_currency = rates.billing_currency
    where missing.entity = 'engine'
),

-- The dearest first, as far as their missing tokens go; what no engine misses at the model's rate.
filled as (
    select
        missing.entity,
        missing.model,
        missing.value,
        missing.hour,
        missing.requests,
        missing.weight,
        replicas.billing_currency,
        replicas.rate,
        replicas.deviation,
        replicas.greatest_rate,
        replicas.weight as replica_weight,
        greatest(least(replicas.weight, missing.weight - coalesce(sum(replicas.weight) over dearest_first, 0)), 0)
            as filling
    from missing
    inner join replicas on missing.model = replicas.model and missing.hour = replicas.hour
    where missing.entity <> 'engine'
    window dearest_first as (
        partition by missing.entity, missing.model, missing.value, missing.hour, replicas.billing_currency
        order by replicas.rate desc, replicas.pod_uid asc rows between unbounded preceding and 1 preceding
    )
),

parts as (
    select
        entity, model, value, hour, billing_currency, requests, filling, rate, deviation, greatest_rate,
        weight * replica_weight / sum(replica_weight) over (
            partition by entity, model, value, hour, billing_currency order by rate, replica_weight
            rows between unbounded preceding and unbounded following
        ) * least(
            1,
            sum(replica_weight) over (
                partition by entity, model, value, hour, billing_currency order by rate, replica_weight
                rows between unbounded preceding and unbounded following
            ) / weight
        ) as likely
    from filled
    union all
    select
        missing.entity, missing.model, missing.value, missing.hour, models.billing_currency, missing.requests,
        missing.weight - coalesce(covered.filling, 0), models.rate, models.deviation, models.greatest_rate,
        missing.weight - coalesce(covered.filling, 0)
    from missing
    inner join models on missing.model = models.model
    left join (
        select entity, model, value, hour, billing_currency, sum(filling order by rate, filling) as filling
        from filled
        group by all
    ) as covered
        on
            missing.entity = covered.entity and missing.model = covered.model and missing.value = covered.value
            and missing.hour = covered.hour and models.billing_currency = covered.billing_currency
    where missing.entity <> 'engine' and missing.weight > coalesce(covered.filling, 0) * 1.000001
)

select
    {{ charge_date() }} as charge_date,
    model,
    billing_currency,
    entity,
    value,
    sum(cast(round(likely * rate) as bigint))::hugeint as expected,
    sum(cast(round(filling * rate) as bigint))::hugeint as most,
    sum(cast(round(filling * greatest_rate) as bigint))::hugeint as ceiling,
    sum(cast(round(power(filling * deviation, 2) / requests) as hugeint))::hugeint as variance
from parts
group by all
union all
select
    {{ charge_date() }}, model, billing_currency, 'engine', '(all)',
    sum(cast(round(weight * rate) as bigint))::hugeint,
    sum(cast(round(weight * rate) as bigint))::hugeint,
    sum(cast(round(weight * greatest_rate) as bigint))::hugeint,
    0::hugeint
from replicas
group by all
{%- for entity in entities() %}
union all
select
    {{ charge_date() }}, model, billing_currency, '{{ entity }}', {{ entity }},
    0, sum(regained)::hugeint, sum(regained)::hugeint, sum(regained::hugeint * regained // 4)::hugeint
from attempts
where regained > 0
group by all
{%- endfor %}
