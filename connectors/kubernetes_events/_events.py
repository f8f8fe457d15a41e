"""What happened to capacity: a row an event, whose repetitions only count it."""

from connectors.kubernetes_events._machines import seen
from connectors.kubernetes_events._options import KubernetesOptions
from connectors.kubernetes_events._reasons import DURATION_MS, meaning, said

# Of what was sent several times, the highest count is in force: it is the latest.
_EVENTS = """
    counted as (
        select *
        from event
        where uid is not null and occurred_at is not null
        qualify row_number() over (
            partition by uid order by repeated desc, last_occurred_at desc, x_place
        ) = 1
    ),
    read as materialized (
        select
            *,
            {meaning} as event,
            if(object_kind = 'Pod', object_uid, null) as pod_uid,
            if(object_kind = 'NodeClaim', object_name, null) as claim_name,
            nullif(regexp_extract(message, 'image "([^"]+)"', 1), '') as image,
            regexp_extract(message, '" in ([0-9.hmsnuµμ]+)', 1) as took,
            nullif(regexp_extract(message, 'Image size: ([0-9]+) bytes', 1), '') as size,
            -- What KEDA scales, else what is named itself.
            coalesce(
                nullif(regexp_extract(
                    message, '^(?:Scaled|Deactivated) \\S+ [^ /]+/(\\S+) ', 1), ''),
                if(object_kind = 'Deployment', object_name, null)
            ) as named_target
        from counted
    ),
    -- While one replica set of a deployment grows, another shrinks.
    scaled_sets as (
        select
            x_place, cluster, namespace, object_name, occurred_at,
            regexp_extract(message, 'replica set (\\S+)', 1) as replica_set,
            starts_with(message, 'Scaled up') as is_growing
        from read
        where reason = 'ScalingReplicaSet'
    ),
    rollouts as (
        select distinct one.x_place
        from scaled_sets as one
        inner join scaled_sets as other
            on one.cluster = other.cluster
            and one.namespace = other.namespace
            and one.object_name = other.object_name
            and one.replica_set <> other.replica_set
            and one.is_growing <> other.is_growing
            and abs(epoch(one.occurred_at) - epoch(other.occurred_at)) <= 3600
    ),
    deployment_pools as (
        select
            cluster, namespace, deployment,
            if(min(pool) = max(pool), min(pool), null) as pool,
            if(min(model) = max(model), min(model), null) as model
        from (
            select
                pods.cluster, pods.namespace, scaled_as as deployment,
                coalesce(machines.pool, selected_pool) as pool,
                pods.model
            from pods left join machines on pods.resource_id = machines.resource_id
            where scaled_as is not null
        )
        group by cluster, namespace, deployment
    ),
    targets as (
        select cluster, kind, namespace, name, min(target) as target
        from target group by cluster, kind, namespace, name
    ),
    -- Where the object of an event was when it happened.
    places as (
        select
            read.x_place,
            arg_max(named_machines.resource_id, named_at) as resource_id
        from read
        inner join named_machines
            on read.cluster = named_machines.cluster
            and case
                when object_kind = 'Node' then object_name
                when object_kind = 'Pod' then coalesce(host, nullif(regexp_extract(
                    message, '^Successfully assigned \\S+ to (\\S+)', 1), ''))
            end = node_name
            and named_at <= last_occurred_at
        group by read.x_place
    ),
    placed as (
        select
            read.*,
            coalesce(places.resource_id, claimed.resource_id, pods.resource_id) as machine,
            pods.selected_pool, pods.model as pod_model, deployment_pools.pool as target_pool,
            deployment_pools.model as target_model
        from read
        left join places on read.x_place = places.x_place
        left join (
            select cluster, name, min(resource_id) as resource_id from claims group by cluster, name
        ) as claimed
            on read.cluster = claimed.cluster and read.claim_name = claimed.name
        left join pods on read.pod_uid = pods.uid
        left join targets
            on read.cluster = targets.cluster and read.object_kind = targets.kind
            and read.namespace = targets.namespace and read.object_name = targets.name
        left join deployment_pools
            on read.cluster = deployment_pools.cluster
            and read.namespace = deployment_pools.namespace
            and coalesce(targets.target, read.named_target) = deployment_pools.deployment
    ),
    told as (
        select
            uid as event_uid, occurred_at, last_occurred_at, repeated, reporter, reason, message,
            if(rollouts.x_place is null, placed.event, 'rollout') as event,
            coalesce(machines.pool, selected_pool, {said_pool}, target_pool) as pool,
            machine as resource_id,
            namespace, object_kind, object_name,
            pod_uid,
            coalesce(pod_model, target_model) as model,
            if(placed.event in ('image_pulled', 'image_present'), image, null) as image,
            case
                when placed.event = 'image_pulled' and took <> '' then {duration_ms}
                when placed.event = 'image_present' then 0
            end as duration_ms,
            if(placed.event = 'image_pulled', try_cast(size as bigint), null) as size_bytes,
            cast({said_before} as bigint) as replicas_before,
            cast({said_after} as bigint) as replicas_after,
            placed.x_file,
            placed.x_row
        from placed
        left join machines on placed.machine = machines.resource_id
        left join rollouts on placed.x_place = rollouts.x_place
    ),
    -- A claim itself is the truth about what was asked of the cloud; its events are rate-limited.
    claimed as (
        select
            uid as event_uid,
            min(created_at) as occurred_at,
            min(created_at) as last_occurred_at,
            1 as repeated,
            'node_requested' as event,
            'karpenter' as reporter,
            'NodeClaim' as reason,
            null::varchar as message,
            arg_max(machines.pool, x_place) as pool,
            max(claim.resource_id) as resource_id,
            null::varchar as namespace,
            'NodeClaim' as object_kind,
            max(claim.name) as object_name,
            arg_max(claim.x_file, x_place) as x_file,
            arg_max(claim.x_row, x_place) as x_row
        from claims as claim left join machines on claim.resource_id = machines.resource_id
        where uid is not null and created_at is not null
        group by uid
    )
    select * from told
    union all by name
    select * from claimed
    order by occurred_at, event_uid
"""


def events(options: KubernetesOptions) -> str:
    """Return the SQL of the events."""
    query = _EVENTS.format(
        meaning=meaning(),
        said_pool=said("pool"),
        said_before=said("before"),
        said_after=said("after"),
        duration_ms=DURATION_MS,
    )
    return f"with {seen(options)}, {query}"


_QUARANTINE = """
    unnamed_machines as (
        select cluster, name, uid, min(created_at) as created_at,
            arg_max(x_file, x_place) as x_file, arg_max(x_row, x_place) as x_row
        from nodes
        group by cluster, name, uid
        having count(resource_id) = 0
    ),
    lost_pods as (
        select pods.node_name, pods.scheduled_at, pods.x_file, pods.x_row
        from pods
        left join unnamed_machines as unnamed
            on pods.cluster = unnamed.cluster and pods.node_name = unnamed.name
        where pods.node_name is not null and pods.resource_id is null
            and pods.scheduled_at is not null and unnamed.uid is null
    ),
    problems as (
        select
            x_file, x_row, null::timestamp as moment,
            'kind' as column_name, null::varchar as value,
            'is missing: this is no object of Kubernetes' as reason
        from raw
        where kind is null
        union all
        select x_file, x_row, occurred_at, 'metadata.uid', null,
            'is missing, and so is the name: an event that comes again could not be told'
        from event
        where uid is null
        union all
        select x_file, x_row, null, 'firstTimestamp', given_time,
            'is no time, and nor is another of the event'
        from event
        where uid is not null and occurred_at is null
        union all
        select x_file, x_row, created_at, 'spec.providerID', name,
            'is missing: say by the option resources what the bill calls this machine'
        from unnamed_machines
        union all
        select x_file, x_row, scheduled_at, 'spec.nodeName', node_name,
            'is no node that these files tell of: ship Node objects beside the pods'
        from lost_pods
    )
    select
        -- Of what has no time, the last day that the files tell of.
        cast(coalesce(
            moment,
            greatest((select max(seen_at) from all_seen), (select max(occurred_at) from event)),
            timestamp '1970-01-01'
        ) as date) as quarantined_day,
        column_name, value, reason, x_file, x_row
    from problems
    order by x_file, x_row, column_name
"""


def quarantine(options: KubernetesOptions) -> str:
    """Return the SQL of what cannot be used."""
    return f"with {seen(options)}, {_QUARANTINE}"
