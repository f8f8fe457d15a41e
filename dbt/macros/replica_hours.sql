{# CTEs that end with `lane_hours` and `active_spans`: what the requests of a replica, its engine's
   counters and gauges say of an hour. Needs `attempts`, `attempt_hours`,
   `lanes` and `replica_lanes` before it. #}
{% macro replica_hours() -%}
    {%- set ms_per_hour = 3600000 -%}
    {%- set midnight = 'epoch_ms(cast(' ~ charge_date() ~ ' as timestamp))' -%}
-- Weighted tokens of the requests, at each request's mean rate. Those without counts take the mean
-- rate of the replica's hour.
traced_hours as (
    select
        *,
        tokens + coalesce(mean_rate, 0) * uncounted_milliseconds as all_tokens,
        tokens_with_cached + coalesce(mean_rate, 0) * uncounted_milliseconds as all_tokens_with_cached
    from (
        select
            replica,
            hour,
            coalesce(sum(rate::hugeint * milliseconds), 0) as tokens,
            coalesce(sum(rate_with_cached::hugeint * milliseconds), 0) as tokens_with_cached,
            coalesce(sum(milliseconds) filter (where rate is null), 0) as uncounted_milliseconds,
            (tokens // sum(milliseconds) filter (where rate is not null))::bigint as mean_rate
        from attempt_hours
        group by replica, hour
    ) as sums
),

-- All tokens of the attempts that touch the day: what was counted on the day cannot be more.
traced_days as (
    select
        replica,
        sum(tokens) as tokens,
        sum(tokens_with_cached) as tokens_with_cached
    from (
        select
            replica,
            tokens::hugeint * {{ rate_unit() }} as tokens,
            tokens_with_cached::hugeint * {{ rate_unit() }} as tokens_with_cached
        from attempts
        union all
        select replica, all_tokens - tokens, all_tokens - tokens from traced_hours
    ) as parts
    group by replica
),

-- A gain between two samples is spread evenly over the time between them, in whole tokens. Nobody
-- can say on which side of midnight a gain came that lies over it.
gains as (
    select
        deltas.pod_uid as replica,
        deltas.counter,
        case deltas.counter
            when 'input_tokens' then coalesce(label_weights.uncached_input, {{ token_weight('uncached_input') }})
            when 'output_tokens' then coalesce(label_weights.output, {{ token_weight('output') }})
            else coalesce(
                label_weights.cache_read - label_weights.uncached_input,
                {{ token_weight('cache_read') - token_weight('uncached_input') }}
            )
        end as weight,
        deltas.quantity::bigint as quantity,
        epoch_ms(deltas.counted_from) as s,
        greatest(epoch_ms(deltas.counted_to), epoch_ms(deltas.counted_from) + 1) as e
    from {{ ref('stg_lake__counter_deltas') }} as deltas
    left join label_weights on deltas.model = label_weights.label
    where
        deltas.counted_by = 'engine'
        and deltas.counter in ('input_tokens', 'cache_read_tokens', 'output_tokens')
        and deltas.counted_from >= cast({{ charge_date() }} as timestamp)
        and deltas.counted_to <= cast({{ charge_date() }} as timestamp) + interval 1 day
        and deltas.pod_uid in (select replica_lanes.replica from replica_lanes)
),

gained_hours as (
    select
        replica,
        counter,
        weight,
        hour,
        s,
        e,
        quantity * (least(e, hour + {{ ms_per_hour }}) - s) // (e - s)
        - quantity * (greatest(s, hour) - s) // (e - s) as quantity
    from (select *, unnest(range(s - s % {{ ms_per_hour }}, e, {{ ms_per_hour }})) as hour from gains)
),

counted_hours as (
    select
        replica,
        hour,
        bool_or(counter = 'cache_read_tokens') as counts_cached,
        sum(quantity * weight) * {{ rate_unit() }} as tokens
    from gained_hours
    -- Requests without counts have nothing that could be compared.
    where (replica, hour) not in (
        select (traced_hours.replica, traced_hours.hour) from traced_hours where traced_hours.mean_rate is null
    )
    group by replica, hour
),

compared_hours as (
    select
        counted_hours.replica,
        counted_hours.hour,
        counted_hours.tokens as counted,
        coalesce(if(
            bool_or(counted_hours.counts_cached) over replica,
            traced_hours.all_tokens,
            traced_hours.all_tokens_with_cached
        ), 0) as traced,
        coalesce(if(
            bool_or(counted_hours.counts_cached) over replica, traced_days.tokens, traced_days.tokens_with_cached
        ), 0) as traced_on_day,
        -- What of the counted tokens weighs, where the engine does not tell the cached ones.
        if(
            bool_or(counted_hours.counts_cached) over replica or coalesce(traced_days.tokens_with_cached, 0) = 0,
            1,
            traced_days.tokens
        ) as weighing,
        if(
            bool_or(counted_hours.counts_cached) over replica or coalesce(traced_days.tokens_with_cached, 0) = 0,
            1,
            traced_days.tokens_with_cached
        ) as of_tokens
    from counted_hours
    left join traced_hours on counted_hours.replica = traced_hours.replica and counted_hours.hour = traced_hours.hour
    left join traced_days on counted_hours.replica = traced_days.replica
    window replica as (partition by counted_hours.replica)
),

-- What the engine counted beyond the traced requests: as much as is missing on the day, in the
-- hours that miss it. An hour alone would tell requests that run past its end for missing ones.
untraced_hours as (
    select
        replica,
        hour,
        (
            greatest(0, sum(counted) over replica - traced_on_day)
            * greatest(0, counted - traced)
            // nullif(sum(greatest(0, counted - traced)) over replica, 0)
            * weighing // of_tokens
        )::bigint as tokens
    from compared_hours
    window replica as (partition by replica)
),

replica_hours as (
    select
        coalesce(traced_hours.replica, untraced_hours.replica) as replica,
        coalesce(traced_hours.hour, untraced_hours.hour) as hour,
        traced_hours.replica is not null as has_requests,
        traced_hours.mean_rate,
        coalesce(traced_hours.all_tokens, 0) as traced_tokens,
        untraced_hours.replica is not null as is_counted,
        coalesce(untraced_hours.tokens, 0) as untraced_tokens
    from traced_hours
    full join untraced_hours
        on traced_hours.replica = untraced_hours.replica and traced_hours.hour = untraced_hours.hour
),

lane_hours as materialized (
    select
        replica_lanes.lane,
        coalesce(bool_or(replica_hours.has_requests), false) as has_requests,
        coalesce(bool_or(replica_hours.is_counted), false) as is_counted,
        coalesce(sum(replica_hours.traced_tokens), 0)::double as traced_tokens,
        coalesce(sum(replica_hours.untraced_tokens), 0)::bigint as untraced_tokens
    from replica_lanes
    left join replica_hours
        on replica_lanes.replica = replica_hours.replica and replica_lanes.hour = replica_hours.hour
    group by replica_lanes.lane
),

engines as (
    select distinct pod_uid
    from {{ ref('stg_lake__gauge_samples') }}
    where
        gauge = 'requests_running'
        and pod_uid is not null
        and sampled_at >= cast({{ charge_date() }} as timestamp)
        and sampled_at < cast({{ charge_date() }} as timestamp) + interval 1 day
),

samples as (
    select
        pod_uid,
        resource_id,
        gpu_index,
        if(gauge = 'requests_running', value, 1) as running,
        epoch_ms(sampled_at) - epoch_ms(sampled_at) % {{ ms_per_hour }} as hour,
        epoch_ms(sampled_at) as s,
        least(epoch_ms(believed_until), hour + {{ ms_per_hour }}) as e
    from {{ ref('stg_lake__gauge_samples') }}
    where
        sampled_at >= cast({{ charge_date() }} as timestamp)
        and sampled_at < cast({{ charge_date() }} as timestamp) + interval 1 day
        and believed_until > sampled_at
        and (
            (gauge = 'requests_running' and value > 0)
            -- A GPU's activity is a mean of the time before: what the engine says of its requests is better.
            or (
                gauge = 'gpu_active'
                and value >= 0.01
                and coalesce(pod_uid not in (select engines.pod_uid from engines), true)
            )
        )
),

-- As many requests as were traced at that moment are no sign of others.
gauges as (
    select
        samples.pod_uid,
        samples.resource_id,
        samples.gpu_index,
        samples.hour,
        samples.s,
        samples.e
    from samples
    left join attempt_hours
        on
            samples.pod_uid = attempt_hours.replica
            and samples.hour = attempt_hours.hour
            and samples.s >= attempt_hours.s
            and samples.s < attempt_hours.e
    group by all
    having count(attempt_hours.attempt_key) < any_value(samples.running)
),

gauged_spans as (
    select replica_lanes.lane, gauges.s, gauges.e
    from gauges
    inner join replica_lanes on gauges.pod_uid = replica_lanes.replica and gauges.hour = replica_lanes.hour
    union all
    select lanes.lane, gauges.s, gauges.e
    from gauges
    inner join lanes
        on
            gauges.resource_id = lanes.resource_id
            and coalesce(gauges.gpu_index = lanes.gpu, true)
            and gauges.hour = lanes.hour
    where gauges.pod_uid is null and lanes.slot_pod is null
),

-- When an engine worked of which no request tells. Where requests are traced and the counters miss
-- none, they are all that ran: a sample says nothing of the seconds around it.
active_spans as (
    select gauged_spans.lane, gauged_spans.s, gauged_spans.e, 'active' as state
    from gauged_spans
    left join lane_hours on gauged_spans.lane = lane_hours.lane
    where
        coalesce(lane_hours.untraced_tokens > 0, false)
        or not (coalesce(lane_hours.has_requests, false) or coalesce(lane_hours.is_counted, false))
    union all
    -- Where the gauges missed it, it was between two samples of the counter that gained.
    select
        replica_lanes.lane,
        greatest(gained_hours.s, gained_hours.hour),
        least(gained_hours.e, gained_hours.hour + {{ ms_per_hour }}),
        'active'
    from gained_hours
    inner join replica_lanes
        on gained_hours.replica = replica_lanes.replica and gained_hours.hour = replica_lanes.hour
    inner join lane_hours on replica_lanes.lane = lane_hours.lane
    where
        gained_hours.quantity > 0
        and lane_hours.untraced_tokens > 0
        and not lane_hours.has_requests
        and replica_lanes.lane not in (select gauged_spans.lane from gauged_spans)
)
{%- endmacro %}
