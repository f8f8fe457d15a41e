-- One row a charge, in the columns of FOCUS 1.2: renaming only, but for the invoice of vendors who
-- do not put it on their charges. Other columns follow as custom ones.
{{ focus_export(
    [
        'availability_zone', 'billed_cost', 'billing_account_id', 'billing_account_name', 'billing_account_type',
        'billing_currency', 'billing_period_end', 'billing_period_start', 'capacity_reservation_id',
        'capacity_reservation_status', 'charge_category', 'charge_class', 'charge_description', 'charge_frequency',
        'charge_period_end', 'charge_period_start', 'commitment_discount_category', 'commitment_discount_id',
        'commitment_discount_name', 'commitment_discount_quantity', 'commitment_discount_status',
        'commitment_discount_type', 'commitment_discount_unit', 'consumed_quantity', 'consumed_unit',
        'contracted_cost', 'contracted_unit_price', 'effective_cost', 'invoice_id', 'invoice_issuer_name',
        'list_cost', 'list_unit_price', 'pricing_category', 'pricing_currency',
        'pricing_currency_contracted_unit_price', 'pricing_currency_effective_cost',
        'pricing_currency_list_unit_price', 'pricing_quantity', 'pricing_unit', 'provider_name', 'publisher_name',
        'region_id', 'region_name', 'resource_id', 'resource_name', 'resource_type', 'service_category',
        'service_name', 'service_subcategory', 'sku_id', 'sku_meter', 'sku_price_details', 'sku_price_id',
        'sub_account_id', 'sub_account_name', 'sub_account_type', 'tags'
    ],
    [
        'allocated_method_details', 'allocated_method_id', 'allocated_resource_id', 'allocated_resource_name',
        'allocated_tags', 'api_key_id', 'billed_milliseconds', 'billing_period', 'charge_kind',
        'x_delivery_id', 'x_file', 'finality', 'gpu_count', 'host_provider_name', 'line_item_type', 'model',
        'operation', 'rate_card_id', 'x_row', 'service_provider_name', 'service_tier', 'source', 'token_type',
        'usage_type'
    ]
) }}
