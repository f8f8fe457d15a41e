"""What a period's export holds: one table a name, its order, and the totals that it states."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from connectors._sql import quoted

_ENTITIES = ("customer_id", "feature", "workflow", "team", "model", "environment")


@dataclass(frozen=True)
class ExportTable:
    """A relation of the warehouse that is exported by billing period.

    `order_by` are its keys; `totals` maps a name to the SQL of an amount, by currency.
    """

    name: str
    relation: str
    order_by: tuple[str, ...]
    totals: Mapping[str, str] = field(
        default_factory=lambda: {"effective_cost": "sum(effective_cost)"}
    )
    period: str = "billing_period"
    currency: str = "billing_currency"

    def query(self, columns: Iterable[str], billing_period: str) -> str:
        """Return the SQL of the period's rows: by their keys, then by all else, so that whatever
        the keys leave open cannot change the order."""
        rest = [f'"{name}"' for name in columns if name not in self.order_by]
        return (
            f"select * from {self.relation} where {self.period} = {quoted(billing_period)} "
            f"order by {', '.join([*self.order_by, *rest])}"
        )


def _line(label: str) -> str:
    return f"sum(amount) filter (line = {quoted(label)})"


EXPORT_TABLES = (
    ExportTable("customer_costs", "exports.customer_costs", ("customer_id", "billing_currency")),
    ExportTable("feature_costs", "exports.feature_costs", ("feature", "billing_currency")),
    ExportTable("workflow_costs", "exports.workflow_costs", ("workflow", "billing_currency")),
    ExportTable(
        "ledger",
        "marts.allocated_costs",
        ("charge_date", "source", "billing_currency", "component", *_ENTITIES),
    ),
    ExportTable(
        "unallocated",
        "marts.unallocated_costs",
        ("charge_date", "source", "billing_currency", "component"),
    ),
    ExportTable(
        "unpriced_usage",
        "marts.unpriced_usage",
        ("source", "sku_id", "unpriced_reason"),
        {},
    ),
    ExportTable(
        "reconciliation",
        "marts.cost_reconciliation",
        (
            *("source", "billing_currency"),
            "array_position(['landed', 'normalized', 'priced', 'effective', 'allocated'], step)",
        ),
        {"difference": "sum(difference)"},
    ),
    ExportTable(
        "invoice_bridge",
        "marts.invoice_bridge",
        ("source", "billing_currency", "line_number"),
        {
            "invoice_total": _line("invoice total"),
            "billed_cost": _line("billed cost"),
            "effective_cost": _line("effective cost"),
        },
    ),
    *(
        ExportTable(
            name,
            f"exports.{name}",
            ("x_Source", "x_DeliveryId", "x_File", "x_Row", "ChargePeriodStart", "ChargeCategory"),
            {"billed_cost": "sum(BilledCost)", "effective_cost": "sum(EffectiveCost)"},
            period="x_BillingPeriod",
            currency="BillingCurrency",
        )
        for name in ("focus_1_2", "focus_1_4")
    ),
    ExportTable(
        "focus_1_4_billing_period",
        "exports.focus_1_4_billing_period",
        ("BillingPeriodStart", "InvoiceIssuerName"),
        {},
        period="x_BillingPeriod",
    ),
    ExportTable(
        "focus_1_4_invoice_detail",
        "exports.focus_1_4_invoice_detail",
        ("InvoiceIssuerName", "InvoiceId", "InvoiceDetailId", "BillingCurrency"),
        {"billed_cost": "sum(BilledCost)"},
        period="x_BillingPeriod",
        currency="BillingCurrency",
    ),
)
