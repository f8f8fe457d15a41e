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
        attempts.attempt_id,
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
    select 'engine' as entity, model, coalesce(pod_uid, '(all)') as value, hour, weight, 0 as traced
    from counted
    where counted_by = 'engine' and model is not null
    union all
    select 'engine', model, pod_uid, hour, 0, weight
    from attempts
    where model in (select counted.model from counted where counted.counted_by = 'engine')
    {%- for entity in entities() | reject('equalto', 'model') %}
    union all
    select '{{ entity }}', model, coalesce({{ entity }}, '(none)'), hour, weight, 0
    from (
        select *
        from counted
        where counted_by <> 'engine' and model in (select models.model from models)
        qualify
            count({{ entity }}) over (partition by model, counted_by) > 0
            and counted_by = max(counted_by) over (partition by model)
    ) as labelled
    union all
    select '{{ entity }}', model, {{ entity }}, hour, 0, weight
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
        greatest(sum(weight) - sum(traced), 0)::double as hour_weight,
        greatest(sum(traced) - sum(weight), 0)::double as surplus,
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

-- What each missing token can have cost: attempts that name nobody, as far as no counter says that they
-- were nobody's, at what they cost; and what engines miss, at their replicas' rates.
unnamed as (
    {% for entity in entities() | reject('equalto', 'model') -%}
    select
        '{{ entity }}' as entity, attempts.model, attempts.billing_currency, attempts.hour, attempts.attempt_id,
        attempts.weight::double as weight, attempts.units / attempts.weight::double as rate, hours.surplus
    from attempts
    inner join hours
        on
            hours.entity = '{{ entity }}' and hours.value = '(none)' and hours.surplus > 0
            and attempts.model = hours.model and attempts.hour = hours.hour
    where attempts.{{ entity }} = '(none)' and attempts.weight > 0 and attempts.units is not null
    {{ 'union all' if not loop.last }}
    {% endfor -%}
),

items as (
    select
        entity, model, billing_currency, hour, attempt_id as item, rate, 0 as deviation, rate as greatest_rate,
        least(weight, surplus - coalesce(sum(weight) over dearest_first, 0)) as weight
    from unnamed
    window dearest_first as (
        partition by entity, model, billing_currency, hour
        order by rate desc, attempt_id asc rows between unbounded preceding and 1 preceding
    )
    qualify surplus > coalesce(sum(weight) over dearest_first, 0)
    union all
    select
        kinds.entity, replicas.model, replicas.billing_currency, replicas.hour, replicas.pod_uid,
        replicas.rate, replicas.deviation, replicas.greatest_rate, replicas.weight
    from replicas
    cross join (
        select unnest(['{{ entities() | reject('equalto', 'model') | join("', '") }}']) as entity
    ) as kinds
),

-- The dearest first: what so many missing tokens cost at most, and all of them.
dearest as (
    select
        *,
        coalesce(sum(weight) over dearest_first, 0) as weight_before
        {%- for column in ['rate', 'deviation', 'greatest_rate'] %},
        coalesce(sum(weight * {{ column }}) over dearest_first, 0) as {{ column }}_before
        {%- endfor %},
        sum(weight) over all_of_them as all_weight,
        sum(weight * rate) over all_of_them / sum(weight) over all_of_them as mean_rate
    from items
    window
        dearest_first as (
            partition by entity, model, billing_currency, hour
            order by rate desc, item asc rows between unbounded preceding and 1 preceding
        ),
        all_of_them as (
            partition by entity, model, billing_currency, hour
            order by rate desc, item asc rows between unbounded preceding and unbounded following
        )
),

-- What is missing beyond that, at the model's rate. Deviations of an hour add up: its requests share
-- what makes it dear.
priced as (
    select
        missing.entity,
        missing.model,
        missing.value,
        models.billing_currency,
        least(missing.weight - coalesce(dearest.weight_before, 0), coalesce(dearest.weight, 0)) as taken,
        missing.weight - least(missing.weight, coalesce(dearest.all_weight, 0)) as beyond,
        (missing.weight - beyond) * coalesce(dearest.mean_rate, 0) + beyond * models.rate as expected
        {%- for column in ['rate', 'deviation', 'greatest_rate'] %},
        coalesce(dearest.{{ column }}_before + taken * dearest.{{ column }}, 0) + beyond * models.{{ column }}
            as {{ column }}_cost
        {%- endfor %}
    from missing
    inner join models on missing.model = models.model
    asof left join dearest
        on
            missing.entity = dearest.entity and missing.model = dearest.model and missing.hour = dearest.hour
            and models.billing_currency = dearest.billing_currency and missing.weight >= dearest.weight_before
    where missing.entity <> 'engine'
)

select
    {{ charge_date() }} as charge_date,
    model,
    billing_currency,
    entity,
    value,
    sum(cast(round(expected) as bigint))::hugeint as expected,
    sum(cast(ceil(rate_cost) as bigint))::hugeint as most,
    sum(cast(ceil(greatest_rate_cost) as bigint))::hugeint as ceiling,
    sum(cast(round(power(deviation_cost, 2)) as hugeint))::hugeint as variance
from priced
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
