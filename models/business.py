"""Columns of what the business knows: customers, revenue, values, targets, scores and owners.

Each has dates where it can change: `valid_from` is the first day, `valid_to` the first day no more.
"""

from models.columns import MONEY, PROVENANCE, QUANTITY, Column, Table, optional, required

_DATES = optional("valid_from", "valid_to", type="date")
_OF_NO_DAY = "coalesce(valid_from, date '1970-01-01')"

CUSTOMERS = Table(
    name="customers",
    day=_OF_NO_DAY,
    columns=(
        *required("customer_id"),
        *optional("customer_name", "plan", "segment", "region"),
        *_DATES,
        *PROVENANCE,
    ),
)

# Recognized revenue of a customer, spread evenly over the days of its period.
REVENUE = Table(
    name="revenue",
    day="revenue_from",
    columns=(
        *required("customer_id"),
        *optional("product", "plan", "feature"),
        *required("revenue_from", "revenue_to", type="date"),
        *required("currency"),
        *required("amount", type=MONEY),
        *PROVENANCE,
    ),
)

# What a successful operation is worth; NULL in a column: any.
OPERATION_VALUES = Table(
    name="operation_values",
    day=_OF_NO_DAY,
    columns=(
        *optional("customer_id", "feature", "workflow"),
        *required("currency"),
        *required("value", type=MONEY),
        *_DATES,
        *PROVENANCE,
    ),
)

SERVICE_LEVELS = Table(
    name="service_levels",
    day=_OF_NO_DAY,
    columns=(
        *optional("feature", "workflow", "model"),
        # 'time_to_first_token' or 'duration'
        *required("measure"),
        *required("target_ms", type="bigint"),
        # The part of requests that must meet the target, such as 0.95.
        *optional("objective", type=QUANTITY),
        *_DATES,
        *PROVENANCE,
    ),
)

EVALUATIONS = Table(
    name="evaluations",
    day="cast(evaluated_at as date)",
    columns=(
        *required("evaluated_at", type="timestamp"),
        *required("evaluator"),
        # One of the two.
        *optional("inference_id", "attempt_id"),
        *optional("score", type=QUANTITY),
        Column("is_passed", "boolean"),
        *PROVENANCE,
    ),
)

OWNERS = Table(
    name="owners",
    day=_OF_NO_DAY,
    columns=(
        # 'customer', 'feature', 'workflow', 'team', 'model', 'environment', 'pool' or 'source'
        *required("entity", "entity_value"),
        *required("owner"),
        *optional("cost_center"),
        *_DATES,
        *PROVENANCE,
    ),
)

BUSINESS = (CUSTOMERS, REVENUE, OPERATION_VALUES, SERVICE_LEVELS, EVALUATIONS, OWNERS)
