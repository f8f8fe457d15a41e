"""What is looked at of events, pods, nodes and Karpenter's node claims: a temporary table each."""

from connectors._sql import quoted
from connectors.kubernetes_events._read import STRUCTURE

_OBJECTS = f"select * exclude (item), from_json(item, {STRUCTURE}) as object from sent"

# Whole accelerators, by the names under which pods ask for them; `.shared` ones are time-sliced.
_GPUS = (
    "nvidia.com/gpu", "nvidia.com/gpu.shared", "amd.com/gpu", "gpu.intel.com/i915",
    "habana.ai/gaudi", "google.com/tpu", "aws.amazon.com/neuron",
)  # fmt: skip
_MIG = r"^nvidia\.com/mig-([1-7])g\..*"

MACROS = (
    # Kubernetes writes whole numbers of accelerators, and cores as '2', '1.5' or '1500m'.
    f"""
    create or replace temp macro gpus_of(resources) as coalesce(
        {", ".join(f"nullif(try_cast(resources[{quoted(name)}] as bigint), 0)" for name in _GPUS)},
        0)
    """,
    """
    create or replace temp macro millicores(text) as cast(ceil(case
        when text like '%m' then try_cast(rtrim(text, 'm') as decimal(18, 3))
        when text like '%u' then try_cast(rtrim(text, 'u') as decimal(18, 3)) / 1000
        when text like '%n' then try_cast(rtrim(text, 'n') as decimal(18, 3)) / 1000000
        else try_cast(text as decimal(18, 6)) * 1000
    end) as bigint)
    """,
    # Sevenths of a GPU in MIG slices: 2 of mig-3g.40gb are 6.
    rf"""
    create or replace temp macro sevenths_of(resources) as coalesce(list_sum(list_transform(
        list_filter(map_entries(resources), lambda item: regexp_matches(item.key, '{_MIG}')),
        lambda item: try_cast(regexp_extract(item.key, '{_MIG}', 1) as bigint)
            * try_cast(item.value as bigint))), 0)
    """,
    """
    create or replace temp macro asked(container) as
        coalesce(container.resources.requests, container.resources.limits)
    """,
)

_META = """
        object.metadata.uid as uid,
        object.metadata.name as name,
        object.metadata.namespace as namespace,
        object.metadata.labels as labels,
        moment(object.metadata.creationTimestamp) as created_at,
        -- A deletion is announced for the end of the grace period.
        moment(object.metadata.deletionTimestamp)
            - to_seconds(coalesce(object.metadata.deletionGracePeriodSeconds, 0)) as deleted_at,
        object.status.conditions as conditions,
        watch, cluster, document, observed, x_file, x_row, x_place
"""

EVENT = f"""
    create temp table an_event as
    with read as (
        select
            *,
            coalesce(object.involvedObject, object.regarding) as about,
            coalesce(object.source, object.deprecatedSource) as sender
        from ({_OBJECTS}) where kind = 'Event'
    )
    select
        coalesce(
            object.metadata.uid, object.metadata.namespace || '/' || object.metadata.name
        ) as uid,
        coalesce(
            moment(object.firstTimestamp), moment(object.deprecatedFirstTimestamp),
            moment(object.eventTime), moment(object.metadata.creationTimestamp),
            unix_nano(object.lastUnixNano)
        ) as occurred_at,
        coalesce(
            object.firstTimestamp, object.deprecatedFirstTimestamp, object.eventTime,
            object.metadata.creationTimestamp
        ) as given_time,
        greatest(
            moment(object.series.lastObservedTime), moment(object.lastTimestamp),
            moment(object.deprecatedLastTimestamp), unix_nano(object.lastUnixNano), occurred_at
        ) as last_occurred_at,
        greatest(
            coalesce(object.series.count, 0), coalesce(object.count, 0),
            coalesce(object.deprecatedCount, 0), 1
        ) as repeated,
        coalesce(
            nullif(object.reportingComponent, ''), nullif(object.reportingController, ''),
            nullif(sender.component, '')
        ) as reporter,
        nullif(sender.host, '') as host,
        object.reason as reason,
        coalesce(object.message, object.note) as message,
        about.kind as object_kind,
        about.name as object_name,
        coalesce(about.namespace, object.metadata.namespace) as namespace,
        about.uid as object_uid,
        cluster, x_file, x_row, x_place
    from read
"""

POD = f"""
    create temp table a_pod as
    select
        {_META},
        object.spec.nodeName as node_name,
        object.spec.nodeSelector as selector,
        object.status.phase as phase,
        since(object.status.conditions, 'PodScheduled') as scheduled_at,
        condition(object.status.conditions, 'Ready').status = 'True' as is_ready,
        moment(condition(object.status.conditions, 'Ready').lastTransitionTime) as turned_at,
        coalesce(list_max(list_transform(object.status.containerStatuses,
            lambda run: run.restartCount)), 0) as restarts,
        list_max(list_transform(object.status.containerStatuses,
            lambda run: moment(run.state.terminated.finishedAt))) as finished_at,
        list_max(list_transform(object.status.containerStatuses,
            lambda run: moment(run.state.running.startedAt))) as running_at,
        -- A deployment's pods belong to one of its replica sets.
        regexp_replace(
            object.metadata.ownerReferences[1].name,
            if(object.metadata.ownerReferences[1].kind = 'ReplicaSet', '-[a-z0-9]+$', '$'), ''
        ) as scaled_as,
        coalesce(list_sum(list_transform(object.spec.containers,
            lambda item: gpus_of(asked(item)))), 0) as gpus,
        coalesce(list_sum(list_transform(object.spec.containers,
            lambda item: sevenths_of(asked(item)))), 0) as sevenths,
        greatest(
            coalesce(list_sum(list_transform(object.spec.containers,
                lambda item: millicores(asked(item)['cpu']))), 0)
            + coalesce(list_sum(list_transform(
                list_filter(object.spec.initContainers, lambda item: item.restartPolicy = 'Always'),
                lambda item: millicores(asked(item)['cpu']))), 0),
            coalesce(list_max(list_transform(object.spec.initContainers,
                lambda item: millicores(asked(item)['cpu']))), 0)
        ) + coalesce(millicores(object.spec.overhead['cpu']), 0) as millicores,
        array_to_string(flatten(list_transform(object.spec.containers, lambda item:
            list_concat(item.command, item.args))), ' ') as arguments
    from ({_OBJECTS}) where kind = 'Pod'
"""

_PROVIDER = "coalesce(object.spec.providerID, object.status.providerID)"
# The name that the bill has for a machine: of AWS and most clouds the last part, of Azure its path.
_MACHINE = f"""
        case
            when starts_with({_PROVIDER}, 'azure://')
                then nullif(regexp_replace({_PROVIDER}, '^azure://', ''), '')
            else nullif(regexp_extract({_PROVIDER}, '([^/]+)/*$', 1), '')
        end as resource_id
"""
# How many slices of a size one GPU has, where all are alike (the strategy `single`).
_SLICES = "map {{'1': 7, '2': 3, '3': 2, '4': 1, '7': 1}}[{profile}]"

_CAPACITY = f"""
        object.status.capacity as capacity,
        millicores(object.status.allocatable['cpu']) as millicores,
        coalesce(try_cast(object.metadata.labels['nvidia.com/gpu.replicas'] as bigint), 1)
            as replicas,
        if(object.metadata.labels['nvidia.com/mig.strategy'] = 'single',
            nullif(regexp_extract(object.metadata.labels['nvidia.com/gpu.product'],
                'MIG-([1-7])g', 1), ''), null) as single_profile,
        case
            when single_profile is not null then
                gpus_of(object.status.capacity) // replicas
                // coalesce({_SLICES.format(profile="single_profile")}, 1)
            when sevenths_of(object.status.capacity) > 0 then greatest(
                try_cast(object.metadata.labels['nvidia.com/gpu.count'] as bigint),
                (sevenths_of(object.status.capacity) + 6) // 7
                + gpus_of(object.status.capacity))
            else gpus_of(object.status.capacity) // replicas
        end as gpus,
        single_profile is not null or sevenths_of(object.status.capacity) > 0 as is_sliced
"""

NODE = f"""
    create temp table a_node as
    select
        {_META},
        {_MACHINE},
        {_CAPACITY},
        condition(object.status.conditions, 'Ready').status = 'True' as is_ready,
        moment(condition(object.status.conditions, 'Ready').lastTransitionTime) as turned_at
    from ({_OBJECTS}) where kind = 'Node'
"""

CLAIM = f"""
    create temp table a_claim as
    select
        {_META},
        {_MACHINE},
        {_CAPACITY},
        object.status.nodeName as node_name,
        since(object.status.conditions, 'Launched') as launched_at,
        since(object.status.conditions, 'Initialized') as initialized_at,
        coalesce(
            since(object.status.conditions, 'Drained'),
            since(object.status.conditions, 'InstanceTerminating')
        ) as drained_at,
        coalesce(
            condition(object.status.conditions, 'Drained'),
            condition(object.status.conditions, 'InstanceTerminating')
        ) is not null as tells_drained
    from ({_OBJECTS}) where kind = 'NodeClaim'
"""

# The controller of a pod may name its replica set; an autoscaler names what it scales.
TARGET = f"""
    create temp table a_target as
    select distinct cluster, kind, object.metadata.namespace as namespace,
        object.metadata.name as name, object.spec.scaleTargetRef.name as target
    from ({_OBJECTS})
    where kind not in ('Event', 'Pod', 'Node', 'NodeClaim')
        and object.spec.scaleTargetRef.name is not null
"""
