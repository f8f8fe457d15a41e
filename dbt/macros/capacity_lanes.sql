{# CTEs that end with `lanes` and `spans`: what is shared on its own, and what is known of it.
   A lane is an hour of a GPU that was billed, or of the part of a GPU that is a pod's own (a MIG
   slice, a replica of time-slicing, millicores of a machine without GPUs); what no pod has of its
   own is a lane too. Needs `charge_groups`, `states`, `endpoints` and `attempts` before it. #}
{% macro capacity_lanes() -%}
    {%- set ms_per_hour = 3600000 -%}
    {%- set finest = 1048576 -%}
resources as (
    select
        charge_groups.resource_id,
        coalesce(nullif(max(charge_groups.gpu_count), 0), max(states.gpu_count), max(states.gpu_index) + 1, 1) as gpus,
        coalesce(max(charge_groups.pool), max(states.pool)) as pool
    from charge_groups
    left join states on charge_groups.resource_id = states.resource_id
    group by charge_groups.resource_id
),

-- GPUs of a resource with one history, such as those that serve a model together, have the same
-- states and attempts: one of them is looked at, and counts for all. A GPU has as many parts as
-- its pods count it in; where they count in more than two ways, about a million.
alike_gpus as (
    select
        resource_id,
        min(gpu) as gpu,
        count(*) as gpus,
        any_value(case
            when countings <= 2 and lcm(least_parts, most_parts) <= {{ finest }} then lcm(least_parts, most_parts)
            else {{ finest }}
        end)::bigint as parts
    from (
        select
            gpus.resource_id,
            gpus.gpu,
            list(
                (states.pod_uid, states.state, states.started_ms, states.ended_ms, states.slots, states.slots_of)
                order by states.pod_uid, states.state, states.started_ms, states.ended_ms, states.slots, states.slots_of
            ) as history,
            coalesce(min(states.slots_of) filter (where states.slot_pod is not null), 1) as least_parts,
            coalesce(max(states.slots_of) filter (where states.slot_pod is not null), 1) as most_parts,
            count(distinct states.slots_of) filter (where states.slot_pod is not null) as countings
        from (select resource_id, unnest(range(gpus)) as gpu from resources) as gpus
        left join states
            on gpus.resource_id = states.resource_id and coalesce(states.gpu_index = gpus.gpu, true)
        group by gpus.resource_id, gpus.gpu
    ) as histories
    group by resource_id, history
),

gpu_hours as (
    select
        charge_groups.group_key,
        charge_groups.resource_id,
        alike_gpus.gpu,
        alike_gpus.gpus,
        alike_gpus.parts,
        hours.hour
    from charge_groups
    inner join alike_gpus on charge_groups.resource_id = alike_gpus.resource_id
    cross join lateral (
        select unnest(range(
            epoch_ms(date_trunc('hour', charge_groups.charge_period_start)),
            epoch_ms(charge_groups.charge_period_end),
            {{ ms_per_hour }}
        )) as hour
    ) as hours
),

-- From a pod's first state to its last the GPU, or its part of it, is held for it: what no state
-- says of that time is unknown, not unrequested.
held as (
    select
        resource_id,
        gpu_index,
        pod_uid,
        slot_pod,
        max(slots) as slots,
        max(slots_of) as slots_of,
        min(started_ms) as started_ms,
        max(ended_ms) as ended_ms
    from states
    where pod_uid is not null
    group by resource_id, gpu_index, pod_uid, slot_pod
),

held_hours as (
    select
        gpu_hours.*,
        held.slot_pod,
        held.slots * gpu_hours.parts // held.slots_of as width,
        greatest(held.started_ms, gpu_hours.hour) as s,
        least(held.ended_ms, gpu_hours.hour + {{ ms_per_hour }}) as e
    from held
    inner join gpu_hours
        on
            held.resource_id = gpu_hours.resource_id
            and coalesce(held.gpu_index = gpu_hours.gpu, true)
            and held.started_ms < gpu_hours.hour + {{ ms_per_hour }}
            and held.ended_ms > gpu_hours.hour
    where held.slot_pod is not null
),

lanes as materialized (
    select
        *,
        (row_number() over (order by group_key, gpu, hour, slot_pod nulls first))::int as lane
    from (
        select *, null::varchar as slot_pod from gpu_hours
        union all
        select group_key, resource_id, gpu, gpus, parts, hour, slot_pod from held_hours group by all
    )
),

-- How many parts a lane has: those of a pod, or those that no pod has of its own.
widths as (
    select lane, hour as t, if(slot_pod is null, parts, 0) as width from lanes
    union all
    select lane, hour + {{ ms_per_hour }}, 0 from lanes
    union all
    select
        lanes.lane,
        unnest([held_hours.s, held_hours.e]),
        unnest([held_hours.width, -held_hours.width]) * if(lanes.slot_pod is null, -1, 1)
    from held_hours
    inner join lanes
        on
            held_hours.group_key = lanes.group_key
            and held_hours.gpu = lanes.gpu
            and held_hours.hour = lanes.hour
            and coalesce(held_hours.slot_pod = lanes.slot_pod, true)
),

-- Which lanes a replica's requests run in. Where no lifecycle names the pod, the resource itself is
-- the pod.
replica_lanes as materialized (
    select distinct
        replicas.replica,
        lanes.hour,
        lanes.lane
    from (
        select pod_uid as replica, resource_id, gpu_index, slot_pod from held
        union all
        select resource_id, resource_id, null, null
        from charge_groups
        where resource_id not in (select held.pod_uid from held)
        union all
        select endpoint, resource_id, null, null from endpoints
    ) as replicas
    inner join lanes
        on
            replicas.resource_id = lanes.resource_id
            and coalesce(replicas.gpu_index = lanes.gpu, true)
            and replicas.slot_pod is not distinct from lanes.slot_pod
),

spans as (
    select
        lanes.lane,
        greatest(known.started_ms, lanes.hour) as s,
        least(known.ended_ms, lanes.hour + {{ ms_per_hour }}) as e,
        known.state
    from (
        select resource_id, gpu_index, pod_uid, slot_pod, started_ms, ended_ms, state from states
        union all
        select resource_id, gpu_index, pod_uid, slot_pod, started_ms, ended_ms, 'held' from held
    ) as known
    inner join lanes
        on
            known.resource_id = lanes.resource_id
            and coalesce(known.gpu_index = lanes.gpu, true)
            and (known.pod_uid is null or known.slot_pod is not distinct from lanes.slot_pod)
            and known.started_ms < lanes.hour + {{ ms_per_hour }}
            and known.ended_ms > lanes.hour
    union all
    -- Provisioned throughput is always ready; where no request names it, nobody watched it.
    select lanes.lane, lanes.hour, lanes.hour + {{ ms_per_hour }}, 'ready'
    from lanes
    inner join endpoints on lanes.resource_id = endpoints.resource_id
    where endpoints.endpoint in (select attempts.replica from attempts)
)
{%- endmacro %}
