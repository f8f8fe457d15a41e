"""The CUR 2.0 columns that our tables are made of, and the closed list of line item types."""

from connectors._base import InputColumn, Kind

# Line item type: FOCUS charge category, charge frequency.
LINE_TYPES = {
    "Usage": ("Usage", "Usage-Based"),
    "DiscountedUsage": ("Usage", "Usage-Based"),
    "SavingsPlanCoveredUsage": ("Usage", "Usage-Based"),
    # Never charges themselves: only what they fail to take back of the covered usage.
    "SavingsPlanNegation": ("Adjustment", "Usage-Based"),
    "SavingsPlanUpfrontFee": ("Purchase", "One-Time"),
    "SavingsPlanRecurringFee": ("Purchase", "Recurring"),
    "RIFee": ("Purchase", "Recurring"),
    "Fee": ("Purchase", "One-Time"),
    "FlatRateSubscription": ("Purchase", "Recurring"),
    "FlateRateSubscription": ("Purchase", "Recurring"),  # as AWS's own page spells it
    "Tax": ("Tax", "One-Time"),
    "Credit": ("Credit", "One-Time"),
    "Refund": ("Usage", "One-Time"),
}
# A discount row cannot be folded into the usage that it discounts: it names no usage row. It is
# no standalone incentive either (Credit), so that Adjustment is what FOCUS leaves.
PRIVATE_DISCOUNTS = (
    "Discount",
    "EdpDiscount",
    "PrivateRateDiscount",
    "RiVolumeDiscount",
    "SppDiscount",
)
# Rows that split a node's cost among its pods and tasks: a second view of the same money.
SPLIT_OPERATIONS = ("EKSPod-EC2", "ECSTask-EC2")
DISCOUNTS = ("BundledDiscount", *PRIVATE_DISCOUNTS)
LINE_TYPES |= dict.fromkeys(DISCOUNTS, ("Adjustment", "Usage-Based"))


def _columns(*names: str, kind: Kind = "text", required: bool = False) -> list[InputColumn]:
    return [InputColumn(name, kind, required) for name in names]


COLUMNS = (
    InputColumn("line_item_line_item_type", required=True, allowed=tuple(LINE_TYPES)),
    # Without the operation, rows that split a node's cost among its pods would count twice.
    *_columns(
        "bill_payer_account_id",
        "line_item_currency_code",
        "line_item_operation",
        required=True,
    ),
    *_columns(
        "bill_billing_period_start_date",
        "line_item_usage_start_date",
        "line_item_usage_end_date",
        kind="time",
        required=True,
    ),
    *_columns("line_item_unblended_cost", kind="money", required=True),
    *_columns(
        "bill_billing_entity",
        "bill_invoice_id",
        "bill_invoicing_entity",
        "bill_payer_account_name",
        "capacity_reservation_capacity_reservation_arn",
        "capacity_reservation_capacity_reservation_status",
        "line_item_availability_zone",
        "line_item_iam_principal",
        "line_item_legal_entity",
        "line_item_line_item_description",
        "line_item_product_code",
        "line_item_resource_id",
        "line_item_usage_account_id",
        "line_item_usage_account_name",
        "line_item_usage_type",
        "pricing_currency",
        "pricing_rate_code",
        "pricing_rate_id",
        "pricing_term",
        "pricing_unit",
        "product_instance_type",
        "product_product_family",
        "product_region_code",
        "product_sku",
        "reservation_reservation_a_r_n",
        "savings_plan_savings_plan_a_r_n",
        "split_line_item_parent_resource_id",
    ),
    *_columns(
        "line_item_usage_amount",
        "split_line_item_actual_usage",
        "split_line_item_reserved_usage",
        "split_line_item_split_usage",
        kind="quantity",
    ),
    *_columns(
        "discount_bundled_discount",
        "discount_total_discount",
        "line_item_net_unblended_cost",
        "line_item_unblended_rate",
        "pricing_public_on_demand_cost",
        "pricing_public_on_demand_rate",
        "reservation_effective_cost",
        "reservation_net_effective_cost",
        "reservation_net_unused_amortized_upfront_fee_for_billing_period",
        "reservation_net_unused_recurring_fee",
        "reservation_unused_amortized_upfront_fee_for_billing_period",
        "reservation_unused_recurring_fee",
        "savings_plan_net_savings_plan_effective_cost",
        "savings_plan_savings_plan_effective_cost",
        "savings_plan_total_commitment_to_date",
        "savings_plan_used_commitment",
        "split_line_item_net_split_cost",
        "split_line_item_net_unused_cost",
        "split_line_item_split_cost",
        "split_line_item_unused_cost",
        kind="money",
    ),
    *_columns("cost_category", "discount", "product", "resource_tags", "tags", kind="map"),
)
