-- One row a state interval of a node or of a pod on it.
select
    resource_id,
    gpu_index,
    gpu_count,
    slots,
    slots_of,
    pool,
    pod_uid,
    model,
    state,
    started_at,
    ended_at,
    x_source as source
from {{ source('lake', 'resource_states') }}
