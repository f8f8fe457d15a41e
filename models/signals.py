"""Columns of what clusters, model servers and telemetry pipelines say, beside the attempts.

Times are naive UTC. What is not known is NULL, never 0; an interval does not hold its end.
"""

from models.columns import (
    ENTITIES,
    PROVENANCE,
    QUANTITY,
    Column,
    Table,
    optional,
    required,
    spanning,
)

_POD = optional("pod_uid", "pod", "namespace")

COUNTERS = (
    "requests",
    "failed_requests",
    "input_tokens",  # cached ones included
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "preemptions",
)
# What a counter gained between two of its samples: what was seen, never a rate or an extrapolation.
COUNTER_DELTAS = Table(
    name="counter_deltas",
    day="cast(counted_from as date)",
    reaches=spanning("counted_from", "counted_to"),
    order_by="counted_from, counter, pod_uid, model, x_file, x_row",
    columns=(
        *required("counted_from", "counted_to", type="timestamp"),
        # 'engine' (the model's server), 'client' (an instrumented caller) or 'gateway'.
        *required("counted_by"),
        *required("counter"),
        *required("quantity", type=QUANTITY),
        # The counter began again in between: the quantity is all that it has counted since.
        Column("is_reset", "boolean", nullable=False),
        *optional("resource_id"),
        *_POD,
        *optional("pool"),
        *optional("provider_name", "model", "sub_account_id", "api_key_id"),
        *ENTITIES,
        *PROVENANCE,
    ),
)

GAUGES = (
    "gpu_active",  # share of the time in which the engine worked, 0 to 1
    "gpu_utilization",  # 0 to 1
    "gpu_memory_used",  # bytes
    "gpu_power",  # watts
    "requests_running",
    "requests_waiting",
    "kv_cache_usage",  # 0 to 1
    "node_ready",  # 0 or 1, and so are the next two
    "pod_scheduled",
    "pod_ready",
    "gpus_requested",
    "cpu_requested",  # cores
    "cpu_used",  # cores
    "cpu_capacity",  # cores of a node
    "replicas_desired",
    "replicas_ready",
)
# What was measured at a time, and until when that can be believed: until the next sample of the
# same series, at most for the staleness limit.
GAUGE_SAMPLES = Table(
    name="gauge_samples",
    day="cast(sampled_at as date)",
    reaches=spanning("sampled_at", "believed_until"),
    order_by="sampled_at, gauge, resource_id, gpu_index, pod_uid, x_file, x_row",
    columns=(
        *required("sampled_at", "believed_until", type="timestamp"),
        *required("gauge"),
        *required("value", type=QUANTITY),
        *optional("resource_id", "gpu_uuid", "mig_profile", "pool"),
        *optional("gpu_index", "mig_instance", type="bigint"),
        *_POD,
        *optional("model"),
        *PROVENANCE,
    ),
)

SCALE_EVENTS_KINDS = (
    "desired_replicas",  # an autoscaler asked for another number
    "activated",  # from none to one
    "deactivated",  # from one to none
    "scheduling_failed",
    "capacity_missing",  # the cloud had none, or a quota or maximum was reached
    "node_requested",
    "image_pulled",
    "image_present",
    "model_loaded",
    "interrupted",  # by the cloud
    "disrupted",  # by an autoscaler: consolidation, drift, expiry
    "rollout",
    "evicted",
    "other",
)
# What happened to capacity, one row an event, repeated ones counted.
SCALE_EVENTS = Table(
    name="scale_events",
    day="cast(occurred_at as date)",
    order_by="occurred_at, event_uid",
    columns=(
        *required("event_uid"),
        *required("occurred_at", "last_occurred_at", type="timestamp"),
        *required("repeated", type="bigint"),
        # One of SCALE_EVENTS_KINDS, and the reporter's own reason and message.
        *required("event"),
        *optional("reporter", "reason", "message"),
        *optional("pool", "resource_id", "namespace", "object_kind", "object_name"),
        *optional("pod_uid", "model", "image"),
        *optional("duration_ms", "size_bytes", "replicas_before", "replicas_after", type="bigint"),
        *PROVENANCE,
    ),
)

# A measure by which a rule may share costs: the driver's name, when, of whom, how much.
ALLOCATION_DRIVERS = Table(
    name="allocation_drivers",
    day="cast(measured_from as date)",
    reaches=spanning("measured_from", "measured_to"),
    order_by="measured_from, driver, x_file, x_row",
    columns=(
        *required("driver"),
        *required("measured_from", "measured_to", type="timestamp"),
        *ENTITIES,
        *optional("model"),
        *required("value", type=QUANTITY),
        # A JSON object: which costs it is about, as the sender put it; rules may ask for it.
        *optional("filter"),
        *PROVENANCE,
    ),
)

RESOURCE_STATES = Table(
    name="resource_states",
    day="cast(started_at as date)",
    reaches=spanning("started_at", "ended_at"),
    columns=(
        *required("resource_id"),
        # NULL: every GPU of the node.
        *optional("gpu_index", "gpu_count", type="bigint"),
        # The pod has `slots` of the `slots_of` equal parts of the GPU (MIG: compute sevenths;
        # time-slicing: replicas) or, without GPUs, of the machine (millicores). NULL: all of it.
        *optional("slots", "slots_of", type="bigint"),
        *optional("pool", "pod_uid", "model"),
        # provisioning, node_ready, starting, ready, terminating
        *required("state"),
        *required("started_at", "ended_at", type="timestamp"),
        *PROVENANCE,
    ),
)

SIGNALS = (COUNTER_DELTAS, GAUGE_SAMPLES, SCALE_EVENTS, ALLOCATION_DRIVERS)
