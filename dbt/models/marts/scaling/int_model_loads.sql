-- One row a pod that served a model on a machine: when it came, how long it took to start and to end.
{{ config(schema='intermediate', contract={'enforced': false}) }}
with states_in_order as (
    select
        *,
        {{ added_ms('resource_id, pod_uid, state') }} as added_ms
    from {{ ref('int_resource_states') }}
    where pod_uid is not null
),

pods as (
    select
        resource_id,
        pod_uid,
        max(model) as model,
        min(started_at) as started_at,
        min(started_at) filter (where state = 'ready') as ready_at,
        max(ended_at) filter (where state = 'ready') as ready_until,
        max(ended_at) as ended_at,
        {{ state_ms('starting') }} as start_ms,
        {{ state_ms('terminating') }} as drain_ms,
        bool_or(state = 'starting') as has_start,
        count(distinct gpu_index) as gpus_used,
        max(slots) as slots,
        max(slots_of) as slots_of
    from states_in_order
    group by resource_id, pod_uid
)

select
    pods.*,
    machines.pool,
    machines.life,
    -- The part of the machine that is the pod's, as whole numbers.
    if(pods.gpus_used = 0, machines.gpus, least(pods.gpus_used, machines.gpus)) * coalesce(pods.slots, 1) as part,
    machines.gpus * coalesce(pods.slots_of, 1) as parts,
    machines.ended_at as machine_ended_at
from pods
inner join {{ ref('int_machines') }} as machines
    on
        pods.resource_id = machines.resource_id
        and pods.started_at >= machines.started_at
        and pods.started_at < machines.ended_at
