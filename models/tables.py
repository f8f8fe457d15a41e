"""Columns of the normalized tables in the lake.

`CHARGES` carries the columns of FOCUS 1.2 in snake_case, the provider and allocation columns of
FOCUS 1.3 and 1.4, and our own additions, which start with `x_`. Times are naive UTC.
"""

from dataclasses import dataclass

MONEY = "decimal(38, 12)"
QUANTITY = "decimal(38, 12)"


@dataclass(frozen=True)
class Column:
    """One column: its DuckDB type, and whether it may be NULL."""

    name: str
    type: str = "varchar"
    nullable: bool = True


@dataclass(frozen=True)
class Table:
    """One normalized table.

    `day` is the SQL expression of the UTC day that a row belongs to. `order_by` sorts the rows of
    a file; None keeps the order in which they were delivered.
    """

    name: str
    columns: tuple[Column, ...]
    day: str
    order_by: str | None = None

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def _required(*names: str, type: str = "varchar") -> tuple[Column, ...]:
    return tuple(Column(name, type, nullable=False) for name in names)


def _optional(*names: str, type: str = "varchar") -> tuple[Column, ...]:
    return tuple(Column(name, type) for name in names)


# Written by the lake itself, from the delivery: where a row came from.
PROVENANCE = (
    *_required("x_source", "x_delivery_id", "x_file"),
    Column("x_row", "bigint", nullable=False),
)

CHARGES = Table(
    name="charges",
    day="cast(charge_period_start as date)",
    columns=(
        *_required("billing_account_id"),
        *_optional("billing_account_name", "billing_account_type"),
        *_required("billing_currency"),
        *_required("billing_period_start", "billing_period_end", type="timestamp"),
        *_required("charge_period_start", "charge_period_end", type="timestamp"),
        *_required("charge_category"),
        *_optional("charge_class", "charge_description"),
        *_required("charge_frequency"),
        *_required("billed_cost", "effective_cost", "list_cost", "contracted_cost", type=MONEY),
        *_optional("list_unit_price", "contracted_unit_price", type=MONEY),
        *_optional("pricing_category", "pricing_currency"),
        *_optional(
            "pricing_currency_contracted_unit_price",
            "pricing_currency_effective_cost",
            "pricing_currency_list_unit_price",
            type=MONEY,
        ),
        *_optional("pricing_quantity", type=QUANTITY),
        *_optional("pricing_unit"),
        *_optional("consumed_quantity", type=QUANTITY),
        *_optional("consumed_unit"),
        *_optional(
            "commitment_discount_category",
            "commitment_discount_id",
            "commitment_discount_name",
        ),
        *_optional("commitment_discount_quantity", type=QUANTITY),
        *_optional(
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
        *_required("invoice_issuer_name", "provider_name", "publisher_name"),
        *_required("service_provider_name"),
        *_optional("host_provider_name"),
        *_required("service_category", "service_name"),
        *_optional(
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
        *_required("x_billing_period"),
        # How a charge finds its users: 'tokens', 'capacity', or NULL (by rule).
        *_optional("x_charge_kind"),
        *_optional("x_line_item_type", "x_usage_type", "x_operation"),
        # Token charges. x_model is the vendor's own label; x_token_type one of TOKEN_TYPES.
        *_optional("x_model", "x_token_type", "x_service_tier", "x_api_key_id"),
        # Capacity charges: billed time of the resource, and its GPUs where the bill knows them.
        *_optional("x_billed_milliseconds", "x_gpu_count", type="bigint"),
        # 'final' or 'provisional' where the vendor says so by any mark of its own; else NULL.
        *_optional("x_finality"),
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
    order_by="ended_at, attempt_id",
    columns=(
        # '<trace_id>:<span_id>' of the leaf inference span.
        *_required("attempt_id", "trace_id", "span_id"),
        # What the caller wanted: retries and fallbacks share it. Without one, the attempt itself.
        *_required("inference_id"),
        # The parent, where another file holds it: it can be the caller of this same inference.
        *_optional("absent_parent_span_id"),
        *_required("workflow_run_id"),
        *_optional("conversation_id"),
        *_required("started_at", "ended_at", type="timestamp"),
        *_required("operation_name"),
        *_optional("provider_name", "request_model", "response_model", "service_tier"),
        *_optional("sub_account_id", "api_key_id", "pod_uid"),
        # 'ok', 'error' (may be billed), 'rejected' (never billed: refused before any work).
        *_required("status"),
        *_optional("error_type"),
        # NULL where the span does not say; never 0 for unknown.
        *_optional(*TOKEN_COLUMNS, type="bigint"),
        # A subset of the output tokens, not a bucket of its own.
        *_optional("reasoning_tokens", type="bigint"),
        *_optional("customer_id", "feature", "workflow", "team", "environment"),
        *PROVENANCE,
    ),
)

# What a vendor's usage endpoint says was consumed; no money.
TOKEN_USAGE = Table(
    name="token_usage",
    day="cast(usage_period_start as date)",
    columns=(
        *_required("usage_period_start", "usage_period_end", type="timestamp"),
        *_required("service_provider_name", "operation_name"),
        *_optional("sub_account_id", "api_key_id", "model", "service_tier"),
        *_required("token_type"),
        *_required("quantity", type="bigint"),
        *_optional("requests", type="bigint"),
        *_required("x_billing_period"),
        *PROVENANCE,
    ),
)

# What a vendor meters without saying what it costs: priced by a rate card, else shown as unpriced.
METERED_USAGE = Table(
    name="metered_usage",
    day="cast(charge_period_start as date)",
    columns=(
        *_required("billing_account_id"),
        *_optional("billing_account_name"),
        *_required("charge_period_start", "charge_period_end", type="timestamp"),
        *_optional("charge_description"),
        *_required("service_provider_name", "service_category", "service_name"),
        *_optional("service_subcategory"),
        # With the vendor, what a line of a rate card names.
        *_required("sku_id"),
        *_optional("sku_meter", "pricing_category", "region_id", "region_name"),
        *_optional("resource_id", "resource_name", "resource_type"),
        *_optional("sub_account_id", "sub_account_name", "tags"),
        *_required("consumed_quantity", type=QUANTITY),
        *_required("consumed_unit"),
        *_required("x_billing_period"),
        *_optional("x_charge_kind", "x_usage_type"),
        *_optional("x_model", "x_token_type", "x_service_tier", "x_api_key_id"),
        *_optional("x_billed_milliseconds", "x_gpu_count", type="bigint"),
        *PROVENANCE,
    ),
)

# How a cloud splits one resource's cost among its containers: weights, never money. The money is
# on the row of the resource.
SPLIT_COSTS = Table(
    name="split_costs",
    day="cast(charge_period_start as date)",
    columns=(
        *_required("charge_period_start", "charge_period_end", type="timestamp"),
        # The resource whose cost is split; NULL where the cloud does not name it.
        *_optional("resource_id"),
        *_required("split_resource_id"),
        *_optional("cluster", "namespace", "workload", "pod", "pod_uid", "tags"),
        # 'cpu', 'memory' or 'accelerator'
        *_required("split_kind"),
        *_optional("usage_quantity", "reserved_quantity", "used_quantity", type=QUANTITY),
        *_optional("quantity_unit"),
        *_optional("split_weight", "unused_weight", type=MONEY),
        *_required("x_billing_period"),
        *PROVENANCE,
    ),
)

# One unit of `from_currency` is worth `rate` units of `to_currency` on that day.
FX_RATES = Table(
    name="fx_rates",
    day="rate_date",
    columns=(
        *_required("rate_date", type="date"),
        *_required("from_currency", "to_currency"),
        *_required("rate", type=QUANTITY),
        *PROVENANCE,
    ),
)

# What each delivery changed, written by the lake: the deltas of a period add up to what it costs.
RESTATEMENTS = Table(
    name="restatements",
    day="billing_period_start(x_billing_period)::date",
    columns=(
        *_required("x_source", "slot", "normalized_by"),
        # NULL for the first delivery of a slot.
        *_optional("delivery_before"),
        *_required("delivery_after"),
        Column("delivery_number", "bigint", nullable=False),
        *_required("x_billing_period", "billing_currency"),
        *_required("service_provider_name", "service_name", "charge_category"),
        *_required(
            "rows_before", "rows_after", "rows_gained", "rows_lost", "rows_changed", type="bigint"
        ),
        *_required(
            "billed_cost_before",
            "billed_cost_after",
            "billed_cost_gained",
            "billed_cost_lost",
            "billed_cost_changed",
            type=MONEY,
        ),
    ),
)

RESOURCE_STATES = Table(
    name="resource_states",
    day="cast(started_at as date)",
    columns=(
        *_required("resource_id"),
        # NULL: every GPU of the node.
        *_optional("gpu_index", "gpu_count", type="bigint"),
        *_optional("pool", "pod_uid", "model"),
        # provisioning, node_ready, starting, ready, terminating
        *_required("state"),
        *_required("started_at", "ended_at", type="timestamp"),
        *PROVENANCE,
    ),
)

# Rows that cannot be used, each with a reason: counted and shown, never silently dropped.
QUARANTINE = Table(
    name="quarantine",
    day="quarantined_day",
    columns=(
        *_required("quarantined_day", type="date"),
        *_required("column_name"),
        *_optional("value"),
        *_required("reason"),
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
    )
}
