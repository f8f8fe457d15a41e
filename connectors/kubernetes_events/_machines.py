"""Machines and pods, one row each, from all that was seen of them: SQL that others build on."""

from collections.abc import Sequence

from connectors._sql import quoted
from connectors.kubernetes_events._options import KubernetesOptions

POOL_LABELS = (
    "karpenter.sh/nodepool", "eks.amazonaws.com/nodegroup", "cloud.google.com/gke-nodepool",
    "kubernetes.azure.com/agentpool", "agentpool", "alpha.eksctl.io/nodegroup-name",
    "karpenter.sh/provisioner-name",
)  # fmt: skip
MODEL_LABELS = ("model", "llm-d.ai/model", "serving.kserve.io/inferenceservice")


def _first(labels: str, names: Sequence[str]) -> str:
    return "coalesce(" + ", ".join(f"label({labels}, {quoted(name)})" for name in names) + ")"


def seen(options: KubernetesOptions) -> str:
    """Return the SQL of `machines`, `pods` and what leads to them, as expressions of WITH."""
    pools = (*options.pool_labels, *POOL_LABELS)
    models = (*options.model_labels, *MODEL_LABELS)
    names = ", ".join(f"{quoted(name)}: {quoted(bill)}" for name, bill in options.resources.items())
    known = f"map {{{names}}}" if names else "cast(map {} as map(varchar, varchar))"
    return _SEEN.format(
        known=known,
        pool=_first("labels", pools), selected=_first("selector", pools),
        model=_first("labels", models),
    )  # fmt: skip


# A record is true when it was written; a watch says when something changes, so that what it said
# last is true until its end; a list is true when it was made.
_SEEN = """
    nodes as (
        select * replace (coalesce({known}[name], {known}[resource_id], resource_id)
            as resource_id)
        from node
    ),
    claims as (
        select * replace (coalesce({known}[node_name], {known}[resource_id], resource_id)
            as resource_id)
        from claim
    ),
    all_seen as (
        select cluster, watch, x_file, document, greatest(
            observed, created_at, deleted_at, latest(conditions), finished_at, running_at
        ) as seen_at
        from pod
        union all
        select cluster, watch, x_file, document,
            greatest(observed, created_at, deleted_at, latest(conditions))
        from nodes
        union all
        select cluster, watch, x_file, document,
            greatest(observed, created_at, deleted_at, latest(conditions))
        from claims
    ),
    stream_ends as (
        select cluster, max(seen_at) as ends_at
        from all_seen where watch is not null group by cluster
    ),
    document_ends as (
        select x_file, document, max(seen_at) as ends_at from all_seen group by x_file, document
    ),
    held as materialized (
        select
            kind, uid,
            max(case
                when record.watch = 'DELETED' then null
                when record.watch is not null then stream_ends.ends_at
                else document_ends.ends_at
            end) as held_until,
            max(gone_at) filter (record.watch = 'DELETED') as gone_at
        from (
            select 'pod' as kind, uid, watch, cluster, x_file, document,
                coalesce(observed, finished_at, deleted_at, latest(conditions)) as gone_at
            from pod
            union all
            select 'node', uid, watch, cluster, x_file, document,
                coalesce(observed, greatest(deleted_at, latest(conditions)))
            from nodes
            union all
            select 'claim', uid, watch, cluster, x_file, document,
                coalesce(observed, greatest(deleted_at, latest(conditions)))
            from claims
        ) as record
        left join stream_ends on record.cluster = stream_ends.cluster
        left join document_ends
            on record.x_file = document_ends.x_file and record.document = document_ends.document
        group by kind, uid
    ),
    machine_parts as materialized (
        select
            'node' as kind, uid, resource_id, cluster, name as node_name, created_at, deleted_at,
            null::timestamp as launched_at, null::timestamp as initialized_at,
            null::timestamp as drained_at, false as tells_drained, {pool} as pool,
            gpus, replicas, is_sliced, single_profile, millicores, x_file, x_row, x_place
        from nodes
        union all
        select
            'claim', uid, resource_id, cluster, node_name, created_at, deleted_at,
            launched_at, initialized_at, drained_at, tells_drained, {pool},
            gpus, replicas, is_sliced, single_profile, millicores, x_file, x_row, x_place
        from claims
    ),
    machines as materialized (
        select
            resource_id,
            min(created_at) filter (part.kind = 'node') as registered_at,
            count(*) filter (part.kind = 'claim') > 0 as is_claimed,
            min(launched_at) as launched_at,
            min(initialized_at) as initialized_at,
            -- Until its last pod has gone, a machine that is deleted still serves.
            if(bool_or(tells_drained), min(drained_at), min(deleted_at)) as terminating_at,
            coalesce(max(gone_at) filter (part.kind = 'claim'), max(gone_at)) as gone_at,
            max(held_until) as held_until,
            arg_max(pool, x_place) as pool,
            max(gpus) as gpus,
            max(replicas) as replicas,
            bool_or(is_sliced) as is_sliced,
            max(single_profile) as single_profile,
            arg_max(millicores, x_place) as millicores,
            arg_max(part.x_file, x_place) as x_file,
            arg_max(part.x_row, x_place) as x_row
        from machine_parts as part
        left join held on part.kind = held.kind and part.uid = held.uid
        where resource_id is not null
        group by resource_id
    ),
    -- Names are used again: the machine that had it last when a pod came to it.
    named_machines as (
        select
            cluster, node_name, resource_id, min(created_at) as named_at
        from machine_parts
        where node_name is not null and resource_id is not null
        group by cluster, node_name, resource_id
    ),
    pod_facts as (
        select
            pod.uid,
            any_value(pod.cluster) as cluster,
            any_value(pod.name) as name,
            any_value(pod.namespace) as namespace,
            max(pod.node_name) as node_name,
            min(scheduled_at) as scheduled_at,
            min(created_at) as created_at,
            min(deleted_at) as deleted_at,
            min(coalesce(finished_at, turned_at)) filter (phase in ('Succeeded', 'Failed'))
                as finished_at,
            max(restarts) as restarts,
            max(gpus) as gpus,
            max(sevenths) as sevenths,
            max(millicores) as millicores,
            max(scaled_as) as scaled_as,
            arg_max({selected}, x_place) as selected_pool,
            arg_max(coalesce(
                {model},
                nullif(regexp_extract(arguments, '--served-model-name[= ]+(\\S+)', 1), ''),
                nullif(regexp_extract(arguments, '--model(?:-path|-id)?[= ]+(\\S+)', 1), ''),
                nullif(regexp_extract(arguments, 'vllm serve +([^- ]\\S*)', 1), '')
            ), x_place) as model,
            max(held_until) as held_until,
            max(gone_at) as gone_at,
            arg_max(pod.x_file, x_place) as x_file,
            arg_max(pod.x_row, x_place) as x_row
        from pod left join held on held.kind = 'pod' and pod.uid = held.uid
        group by pod.uid
    ),
    pod_places as (
        select
            pod_facts.uid,
            arg_max(named_machines.resource_id, named_at) as resource_id
        from pod_facts
        inner join named_machines
            on pod_facts.cluster = named_machines.cluster
            and pod_facts.node_name = named_machines.node_name
            and named_at <= coalesce(pod_facts.scheduled_at, pod_facts.created_at)
        group by pod_facts.uid
    ),
    pods as materialized (
        select pod_facts.*, pod_places.resource_id
        from pod_facts left join pod_places on pod_facts.uid = pod_places.uid
    )
"""
