"""Columns of the normalized tables in the lake.

`CHARGES` carries the columns of FOCUS 1.2 in snake_case, the provider and allocation columns of
FOCUS 1.3 and 1.4, and our own additions, which start with `x_`. Times are naive UTC.
"""

from models.business import BUSINESS
from models.columns import (
    ENTITIES,
    MONEY,
    PROVENANCE,
    QUANTITY,
    Column,
    Table,
    optional,
    required,
    spanning,
)
from models.signals import RESOURCE_STATES, SIGNALS

# Token charges. x_model is the vendor's own label; x_token_type one of TOKEN_TYPES.
_BILLED_TOKENS = optional("x_model", "x_token_type", "x_service_tier", "x_api_key_id")
# Capacity charges: billed time of the resource, and its GPUs where the bill knows them.
_BILLED_CAPACITY = optional("x_billed_milliseconds", "x_gpu_count", type="bigint")

CHARGES = Table(
    name="charges",
    day="cast(charge_period_start as date)",
    columns=(
        *required("billing_account_id"),
        *optional("billing_account_name", "billing_account_type"),
        *required("billing_currency"),
        *required("billing_period_start", "billing_period_end", type="timestamp"),
        *required("charge_period_start", "charge_period_end", type="timestamp"),
        *required("charge_category"),
        *optional("charge_class", "charge_description"),
        *required("charge_frequency"),
        *required("billed_cost", "effective_cost", "list_cost", "contracted_cost", type=MONEY),
        *optional("list_unit_price", "contracted_unit_price", type=MONEY),
        *optional("pricing_category", "pricing_currency"),
        *optional(
            "pricing_currency_contracted_unit_price",
            "pricing_currency_effective_cost",
            "pricing_currency_list_unit_price",
            type=MONEY,
        ),
        *optional("pricing_quantity", type=QUANTITY),
        *optional("pricing_unit"),
        *optional("consumed_quantity", type=QUANTITY),
        *optional("consumed_unit"),
        *optional(
            "commitment_discount_category",
            "commitment_discount_id",
            "commitment_discount_name",
        ),
        *optional("commitment_discount_quantity", type=QUANTITY),
        *optional(
            "commitment_discount_status",
            "commitment_discount_type",
            "commitment_discount_unit",
            "capacity_reservation_id",
            "capacity_reservation_status",
            "availability_zone",
            "region_id",
            "region_name",
            "resource_id",
            "resource_name",
            "resource_type",
            "invoice_id",
        ),
        *required("invoice_issuer_name", "provider_name", "publisher_name"),
        *required("service_provider_name"),
        *optional("host_provider_name"),
        *required("service_category", "service_name"),
        *optional(
            "service_subcategory",
            "sku_id",
            "sku_meter",
            "sku_price_details",
            "sku_price_id",
            "sub_account_id",
            "sub_account_name",
            "sub_account_type",
            "tags",
            "allocated_method_id",
            "allocated_method_details",
            "allocated_resource_id",
            "allocated_resource_name",
            "allocated_tags",
        ),
        # The invoice's month in the vendor's own zone, 'YYYY-MM'.
        *required("x_billing_period"),
        # How a charge finds its users: 'tokens', 'capacity', or NULL (by rule).
        *optional("x_charge_kind"),
        *optional("x_line_item_type", "x_usage_type", "x_operation"),
        *_BILLED_TOKENS,
        *_BILLED_CAPACITY,
        # 'final' or 'provisional' where the vendor says so by any mark of its own; else NULL.
        *optional("x_finality"),
        *PROVENANCE,
    ),
)

# Disjoint buckets: together they are every token of an attempt, once.
TOKEN_TYPES = (
    "uncached_input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "audio_input",
    "audio_output",
)
TOKEN_COLUMNS = tuple(f"{token_type}_tokens" for token_type in TOKEN_TYPES)

ATTEMPTS = Table(
    name="attempts",
    day="cast(ended_at as date)",
    # The span that called it can be delivered in another file: it began before and ended after, by
    # no more than an hour.
    reaches=(
        "cast(started_at - to_hours(if(absent_parent_span_id is null, 0, 1)) as date)",
        "cast(ended_at + to_hours(if(absent_parent_span_id is null, 0, 1)) as date)",
    ),
    order_by="ended_at, attempt_id",
    columns=(
        # '<trace_id>:<span_id>' of the leaf inference span.
        *required("attempt_id", "trace_id", "span_id"),
        # What the caller wanted: retries and fallbacks share it. Without one, the attempt itself.
        *required("inference_id"),
        # The parent, where another file holds it: it can be the caller of this same inference.
        *optional("absent_parent_span_id"),
        *required("workflow_run_id"),
        *optional("conversation_id"),
        *required("started_at", "ended_at", type="timestamp"),
        # When the first token came; how long the server let the request wait.
        *optional("first_token_at", type="timestamp"),
        *optional("queued_ms", type="bigint"),
        *required("operation_name"),
        *optional("provider_name", "request_model", "response_model", "service_tier"),
        *optional("sub_account_id", "api_key_id", "pod_uid"),
        # 'ok', 'error' (may be billed), 'rejected' (never billed: refused before any work) or
        # 'cached' (answered from one's own cache: no model ran, its tokens are no usage).
        *required("status"),
        *optional("error_type"),
        # NULL where the span does not say; never 0 for unknown.
        *optional(*TOKEN_COLUMNS, type="bigint"),
        # A subset of the output tokens, not a bucket of its own.
        *optional("reasoning_tokens", type="bigint"),
        *ENTITIES,
        # A JSON object: of each entity that is known, where it was read: 'span', 'ancestor',
        # 'baggage', 'gateway' or 'resource'.
        *optional("attribute_sources"),
        # Of sampled telemetry, how many attempts this one stands for; NULL where all are kept.
        *optional("sample_weight", type=QUANTITY),
        *PROVENANCE,
    ),
)

# What a vendor's usage endpoint says was consumed; no money.
TOKEN_USAGE = Table(
    name="token_usage",
    day="cast(usage_period_start as date)",
    columns=(
        *required("usage_period_start", "usage_period_end", type="timestamp"),
        *required("service_provider_name", "operation_name"),
        *optional("sub_account_id", "api_key_id", "model", "service_tier"),
        *required("token_type"),
        *required("quantity", type="bigint"),
        *optional("requests", type="bigint"),
        *required("x_billing_period"),
        *PROVENANCE,
    ),
)

# What a vendor meters without saying what it costs: priced by a rate card, else shown as unpriced.
METERED_USAGE = Table(
    name="metered_usage",
    day="cast(charge_period_start as date)",
    columns=(
        *required("billing_account_id"),
        *optional("billing_account_name"),
        *required("charge_period_start", "charge_period_end", type="timestamp"),
        *optional("charge_description"),
        *required("service_provider_name", "service_category", "service_name"),
        *optional("service_subcategory"),
        # With the vendor, what a line of a rate card names.
        *required("sku_id"),
        *optional("sku_meter", "pricing_category", "region_id", "region_name"),
        *optional("resource_id", "resource_name", "resource_type"),
        *optional("sub_account_id", "sub_account_name", "tags"),
        *required("consumed_quantity", type=QUANTITY),
        *required("consumed_unit"),
        *required("x_billing_period"),
        *optional("x_charge_kind", "x_usage_type"),
        *_BILLED_TOKENS,
        *_BILLED_CAPACITY,
        *PROVENANCE,
    ),
)

# How a cloud splits one resource's cost among its containers: weights, never money. The money is
# on the row of the resource.
SPLIT_COSTS = Table(
    name="split_costs",
    day="cast(charge_period_start as date)",
    reaches=spanning("charge_period_start", "charge_period_end"),
    columns=(
        *required("charge_period_start", "charge_period_end", type="timestamp"),
        # The resource whose cost is split; NULL where the cloud does not name it.
        *optional("resource_id"),
        *required("split_resource_id"),
        *optional("cluster", "namespace", "workload", "pod", "pod_uid", "tags"),
        # 'cpu', 'memory' or 'accelerator'
        *required("split_kind"),
        *optional("usage_quantity", "reserved_quantity", "used_quantity", type=QUANTITY),
        *optional("quantity_unit"),
        *optional("split_weight", "unused_weight", type=MONEY),
        *required("x_billing_period"),
        *PROVENANCE,
    ),
)

# One unit of `from_currency` is worth `rate` units of `to_currency` on that day.
FX_RATES = Table(
    name="fx_rates",
    day="rate_date",
    columns=(
        *required("rate_date", type="date"),
        *required("from_currency", "to_currency"),
        *required("rate", type=QUANTITY),
        *PROVENANCE,
    ),
)

# What each delivery changed, written by the lake: the deltas of a period add up to what it costs.
RESTATEMENTS = Table(
    name="restatements",
    day="billing_period_start(x_billing_period)::date",
    columns=(
        *required("x_source", "slot", "normalized_by"),
        # NULL for the first delivery of a slot.
        *optional("delivery_before"),
        *required("delivery_after"),
        Column("delivery_number", "bigint", nullable=False),
        *required("x_billing_period", "billing_currency"),
        *required("service_provider_name", "service_name", "charge_category"),
        *required(
            "rows_before", "rows_after", "rows_gained", "rows_lost", "rows_changed", type="bigint"
        ),
        *required(
            "billed_cost_before",
            "billed_cost_after",
            "billed_cost_gained",
            "billed_cost_lost",
            "billed_cost_changed",
            type=MONEY,
        ),
    ),
)

# Rows that cannot be used, each with a reason: counted and shown, never silently dropped.
QUARANTINE = Table(
    name="quarantine",
    day="quarantined_day",
    columns=(
        *required("quarantined_day", type="date"),
        *required("column_name"),
        *optional("value"),
        *required("reason"),
        *PROVENANCE,
    ),
)

TABLES = {
    table.name: table
    for table in (
        CHARGES,
        METERED_USAGE,
        SPLIT_COSTS,
        FX_RATES,
        ATTEMPTS,
        TOKEN_USAGE,
        RESOURCE_STATES,
        QUARANTINE,
        RESTATEMENTS,
        *SIGNALS,
        *BUSINESS,
    )
}
