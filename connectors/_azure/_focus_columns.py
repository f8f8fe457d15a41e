"""The columns of Microsoft's FOCUS exports that are used: FOCUS 1.0 to 1.2, and its own with x_."""

from connectors._base import InputColumn

FOCUS_COLUMNS = (
    InputColumn("billed_cost", "money", required=True),
    InputColumn("effective_cost", "money", required=True),
    InputColumn("list_cost", "money"),
    InputColumn("contracted_cost", "money"),
    InputColumn("list_unit_price", "money"),
    InputColumn("contracted_unit_price", "money"),
    InputColumn("pricing_currency_effective_cost", "money"),
    InputColumn("pricing_currency_list_unit_price", "money"),
    InputColumn("pricing_currency_contracted_unit_price", "money"),
    InputColumn("pricing_quantity", "quantity"),
    InputColumn("consumed_quantity", "quantity"),
    InputColumn("commitment_discount_quantity", "quantity"),
    InputColumn("x_pricing_block_size", "quantity"),
    InputColumn("billing_account_id", required=True),
    InputColumn("billing_currency", required=True),
    InputColumn("billing_period_start", "time", required=True),
    InputColumn("billing_period_end", "time"),
    InputColumn("charge_period_start", "time", required=True),
    InputColumn("charge_period_end", "time", required=True),
    InputColumn(
        "charge_category",
        required=True,
        allowed=("Usage", "Purchase", "Tax", "Credit", "Adjustment"),
    ),
    InputColumn("charge_class", allowed=("Correction",)),
    InputColumn("charge_frequency", allowed=("Usage-Based", "Recurring", "One-Time")),
    InputColumn(
        "pricing_category",
        allowed=("Standard", "Dynamic", "Committed", "Other", "Commitment-Based"),
    ),
    InputColumn("commitment_discount_status", allowed=("Used", "Unused")),
    InputColumn("capacity_reservation_status", allowed=("Used", "Unused")),
    *(
        InputColumn(name)
        for name in (
            "billing_account_name billing_account_type charge_description consumed_unit "
            "commitment_discount_category commitment_discount_id commitment_discount_name "
            "commitment_discount_type commitment_discount_unit capacity_reservation_id invoice_id "
            "invoice_issuer_name pricing_currency pricing_unit provider_name publisher_name "
            "region_id region_name resource_id resource_name resource_type service_category "
            "service_name service_subcategory sku_id sku_meter sku_price_details sku_price_id "
            "sub_account_id sub_account_name sub_account_type tags x_publisher_category "
            "x_sku_details x_sku_meter_category x_sku_meter_id x_sku_service_family "
            "x_pricing_unit_description x_resource_type"
        ).split()
    ),
)
