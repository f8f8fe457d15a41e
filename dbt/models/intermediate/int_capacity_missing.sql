-- One row a day, model, currency, kind of entity and its value: what the GPU time of its attempts that
-- were counted and not traced cost, in 10^-9 of the currency; entity 'engine' is all that the engines
-- counted beyond the traced, whoever it was for.
-- A value's missing tokens of an hour are among the attempts of that hour that name nobody, or ran on
-- replicas whose engines miss tokens in that hour: at most they are the dearest of all these. A replica's
-- rate is what its traced attempts paid for a weighted token on the day, had no ghost taken from them.
-- What ghosts took may have been the traced attempts' own, where the missing ones ran at another time:
-- at most, all of it was (`regained`). Where they ran beside them, they took more: at most `shared`, and
-- likely `likely_shared`. Two requests that begin at random and overlap share half of it, and its square a
-- third: the variance is at most two thirds of that of all or nothing.
-- `unseen` is the part of `expected` that no attempt without a name can be.
-- Hours are looked at apart, but a day misses no more than the day: at the ends of hours counters and
-- spans differ by what is under way.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(materialized='daily_parquet', meta={'day_hash': 'attempts_hash'}) }}
with kinds as (
    select unnest(['{{ entities() | reject('equalto', 'model') | join("', '") }}']) as entity
),

shares as (
    select charge_group_id, attempt_id, is_ghost, effective_cost
    from {{ ref('int_capacity_shares') }}
    where charge_date = {{ charge_date() }} and state = 'busy' and (attempt_id is not null or is_ghost)
),

traced as (
    select
        attempt_id,
        pod_uid,
        billing_currency,
        {{ entities() | join(', ') }},
        date_trunc('hour', ended_at) as hour,
        epoch_ms(started_at) + coalesce(queued_ms, 0) as starts,
        epoch_ms(ended_at) as ends,
        coalesce(uncached_input_tokens, 0) + 2 * coalesce(output_tokens, 0) as weight,
        {{ nano('direct_cost') }} as units
    from {{ ref('attempt_costs') }}
    where
        charge_date = {{ charge_date() }}
        and is_ended
        and pod_uid is not null
        and status not in ('rejected', 'cached')
),

ghosts as (
    select
        shares.charge_group_id,
        (sum(shares.effective_cost) filter (where shares.is_ghost))::double
        / nullif(sum(shares.effective_cost) filter (where not shares.is_ghost), 0)::double as ratio,
        count(distinct traced.pod_uid) > 1 as is_mixed
    from shares
    left join traced on shares.attempt_id = traced.attempt_id
    where shares.charge_group_id in (select haunted.charge_group_id from shares as haunted where haunted.is_ghost)
    group by shares.charge_group_id
),

haunted as (
    select
        shares.attempt_id,
        bool_or(ghosts.is_mixed) as is_mixed,
        sum(cast(round({{ nano('shares.effective_cost') }} * ghosts.ratio) as bigint))::bigint as units
    from shares
    inner join ghosts on shares.charge_group_id = ghosts.charge_group_id
    where shares.attempt_id is not null and ghosts.ratio is not null
    group by shares.attempt_id
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

engines as (
    select model, bool_and(pod_uid is not null) as has_pods
    from counted
    where counted_by = 'engine' and model is not null
    group by model
),

sides as (
    select
        'engine' as entity, counted.model, if(engines.has_pods, counted.pod_uid, '(all)') as value,
        counted.hour, counted.weight, 0 as traced
    from counted
    inner join engines on counted.model = engines.model
    where counted.counted_by = 'engine'
    union all
    select 'engine', traced.model, if(engines.has_pods, traced.pod_uid, '(all)'), traced.hour, 0, traced.weight
    from traced
    inner join engines on traced.model = engines.model
    union all
    select entity, model, coalesce(value, '(none)'), hour, weight, 0
    from (
        select counted.*, kinds.entity, {{ value_of_entity('kinds.entity', 'counted') }} as value
        from counted
        cross join kinds
        where counted.counted_by <> 'engine' and counted.model in (select traced.model from traced)
    ) as labelled
    qualify
        count(value) over (partition by entity, model, counted_by) > 0
        and counted_by = max(counted_by) over (partition by model)
    union all
    select kinds.entity, traced.model, {{ value_of_entity('kinds.entity', 'traced') }}, traced.hour, 0, traced.weight
    from traced
    cross join kinds
    where traced.model in (select counted.model from counted where counted.counted_by <> 'engine')
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

-- Who may have run beside what is missing: a replica's engine says it, whose ghosts then took their part
-- (W of its weighted tokens are missing, T are traced); or only how much of the model was missing is known,
-- and no ghost took it.
beside as (
    select model, value as pod_uid, hour, weight as untraced, true as has_ghost
    from missing
    where entity = 'engine' and model in (select engines.model from engines where engines.has_pods)
    union all
    select model, '(all)', hour, max(weight), false
    from (
        select
            missing.model,
            missing.hour,
            sum(missing.weight order by missing.value) - coalesce(any_value(nobodys.surplus), 0) as weight
        from missing
        left join hours as nobodys
            on
                missing.entity = nobodys.entity and missing.model = nobodys.model and missing.hour = nobodys.hour
                and missing.entity <> 'engine' and nobodys.value = '(none)'
        where missing.model not in (select engines.model from engines where engines.has_pods)
        group by missing.entity, missing.model, missing.hour
        having weight > 0
    ) as by_entity
    group by model, hour
),

untraced as (
    select
        beside.model, beside.pod_uid, beside.hour, beside.untraced, beside.has_ghost,
        coalesce(sum(traced.weight), 0)::double as traced
    from beside
    left join traced
        on
            beside.model = traced.model and beside.hour = traced.hour
            and beside.pod_uid in (traced.pod_uid, '(all)')
    group by all
),

-- Where nothing is missing, nothing more is asked.
looked_at as (
    select *
    from traced
    where exists (select 1 from missing) or exists (select 1 from haunted)
),

-- How much requests run beside each other: of the time that the traced others of its hour could have
-- shared with an attempt at most, by their tokens, they shared this part. One pair more, beside each other.
crowds as (
    select
        model,
        sum(running) / sum(attempts) as mean_running,
        (sum(running) - sum(busy) + mean_running)
        / (sum(running - of_itself order by pod_uid, hour) + mean_running) as crowding
    from (
        select
            model,
            pod_uid,
            hour,
            count(*) as attempts,
            sum(running) as running,
            sum(busy) as busy,
            sum(running * weight) / nullif(sum(weight), 0) as of_itself
        from (
            select
                *,
                ends - starts as running,
                greatest(0, ends - greatest(starts, coalesce(max(ends) over earlier, starts))) as busy
            from looked_at
            where ends > starts
            window earlier as (
                partition by model, pod_uid order by starts, ends rows between unbounded preceding and 1 preceding
            )
        ) as intervals
        group by model, pod_uid, hour
    ) as hours_of_pods
    group by model
),

-- Had all that is missing run at other times, what ghosts took of an attempt would be its own, too (regained).
-- Had all of it (W) run beside this one alone, it would have paid w / (w + W) of that (at most `shared` less);
-- likely is the crowding's part of that, and no more than ghosts took. Where no ghosts took anything, likely
-- is what they would have.
attempts as (
    select
        * exclude (untraced, traced, crowding, units),
        units + regained as units,
        greatest(untraced, coalesce(traced * regained / nullif(units, 0), 0)) as beside,
        (units + regained) * coalesce(beside / nullif(weight + beside, 0), 0) as shared,
        least(
            shared * crowding,
            if(regained > 0, regained, units * coalesce(untraced / nullif(traced + untraced, 0), 0))
        ) as likely_shared
    from (
        select
            traced.*,
            -- Of a machine of several replicas, ghosts took it from those whose engines miss tokens.
            coalesce(greatest(
                haunted.units,
                if(haunted.is_mixed, round(traced.units * untraced.untraced / nullif(untraced.traced, 0))::bigint, 0)
            ), 0) as regained,
            coalesce(untraced.untraced, 0) as untraced,
            coalesce(untraced.traced, traced.weight) as traced,
            coalesce(crowds.crowding, 1) as crowding
        from looked_at as traced
        left join haunted on traced.attempt_id = haunted.attempt_id
        left join crowds on traced.model = crowds.model
        left join untraced
            on
                traced.model = untraced.model and traced.hour = untraced.hour
                and untraced.pod_uid in (traced.pod_uid, '(all)')
        where traced.units >= 0
    ) as found
),

rated as (
    select
        model,
        billing_currency,
        pod_uid,
        sum(units)::double / sum(weight)::double as rate,
        sqrt(greatest(
            sum(if(
                abs(units) < 3000000000, units * units // weight, units::hugeint * units // weight
            ))::double / sum(weight)::double
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
    select
        hours.entity, attempts.model, attempts.billing_currency, attempts.hour, attempts.attempt_id,
        attempts.weight::double as weight, attempts.units / attempts.weight::double as rate, hours.surplus
    from attempts
    inner join hours
        on
            hours.entity <> 'engine' and hours.value = '(none)' and hours.surplus > 0
            and attempts.model = hours.model and attempts.hour = hours.hour
            and {{ value_of_entity('hours.entity', 'attempts') }} = '(none)'
    where
        attempts.weight > 0 and attempts.units is not null
        and (hours.entity, attempts.model, attempts.hour) in (
            select (missing.entity, missing.model, missing.hour) from missing
        )
),

items as (
    select
        entity, model, billing_currency, hour, attempt_id as item, true as is_seen,
        rate, 0 as deviation, rate as greatest_rate,
        least(weight, surplus - coalesce(sum(weight) over dearest_first, 0)) as weight
    from unnamed
    window dearest_first as (
        partition by entity, model, billing_currency, hour
        order by rate desc, attempt_id asc rows between unbounded preceding and 1 preceding
    )
    qualify surplus > coalesce(sum(weight) over dearest_first, 0)
    union all
    select
        kinds.entity, replicas.model, replicas.billing_currency, replicas.hour, replicas.pod_uid, false,
        replicas.rate, replicas.deviation, replicas.greatest_rate, replicas.weight
    from replicas
    cross join kinds
),

-- The dearest first: what so many missing tokens cost at most, and all of them.
dearest as (
    select
        *,
        coalesce(sum(weight) over dearest_first, 0) as weight_before
        {%- for column in ['rate', 'deviation', 'greatest_rate'] %},
        coalesce(sum(weight * {{ column }}) over dearest_first, 0) as {{ column }}_before
        {%- endfor %},
        bool_or(is_seen) over all_of_them as is_any_seen,
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
        (missing.weight - beyond) * coalesce(dearest.mean_rate, 0) + beyond * models.rate as expected,
        if(coalesce(dearest.is_any_seen, false), 0, expected) as unseen
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
    sum(cast(round(power(deviation_cost, 2)) as hugeint))::hugeint as variance,
    sum(cast(floor(unseen) as bigint))::hugeint as unseen,
    0::hugeint as regained,
    0::hugeint as shared,
    0::hugeint as likely_shared,
    0::hugeint as shared_variance
from priced
group by all
union all
select
    {{ charge_date() }}, model, billing_currency, 'engine', '(all)',
    sum(cast(round(weight * rate) as bigint))::hugeint,
    sum(cast(round(weight * rate) as bigint))::hugeint,
    sum(cast(round(weight * greatest_rate) as bigint))::hugeint,
    0, 0, 0, 0, 0, 0
from replicas
group by all
union all
select
    {{ charge_date() }}, model, billing_currency, entity, value,
    0, 0, 0, 0, 0,
    sum(regained)::hugeint, sum(shared)::hugeint, sum(likely_shared)::hugeint, sum(shared_variance)::hugeint
from (
    select
        attempts.model,
        attempts.billing_currency,
        kinds.entity,
        {{ value_of_entity('kinds.entity', 'attempts') }} as value,
        sum(attempts.regained) as regained,
        cast(ceil(sum(attempts.shared order by attempts.attempt_id)) as bigint) as shared,
        cast(round(sum(attempts.likely_shared order by attempts.attempt_id)) as bigint) as likely_shared,
        cast(round(
            sum(attempts.likely_shared order by attempts.attempt_id)
            * sum(attempts.shared - attempts.likely_shared order by attempts.attempt_id) * 2 / 3
        ) as hugeint) as shared_variance
    from attempts
    cross join (
        select entity from kinds
        union all
        select 'model'
    ) as kinds
    where attempts.regained > 0 or attempts.shared > 0
    group by attempts.model, attempts.billing_currency, kinds.entity, value, attempts.pod_uid, attempts.hour
) as clusters
group by all
