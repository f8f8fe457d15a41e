-- One row a charge, in the 65 columns of FOCUS 1.4's Cost and Usage. The provider and publisher names
-- that 1.4 no longer has follow as custom columns, like our own.
{{ focus_export(
    [
        'allocated_method_details', 'allocated_method_id', 'allocated_resource_id', 'allocated_resource_name',
        'allocated_tags', 'availability_zone', 'billed_cost', 'billing_account_id', 'billing_account_name',
        'billing_account_type', 'billing_currency', 'billing_period_end', 'billing_period_start',
        'capacity_reservation_id', 'capacity_reservation_status', 'charge_category', 'charge_class',
        'charge_description', 'charge_frequency', 'charge_period_end', 'charge_period_start',
        'commitment_discount_category', 'commitment_discount_id', 'commitment_discount_name',
        'commitment_discount_quantity', 'commitment_discount_status', 'commitment_discount_type',
        'commitment_discount_unit', 'commitment_program_eligibility_details', 'consumed_quantity', 'consumed_unit',
        'contract_applied', 'contracted_cost', 'contracted_unit_price', 'effective_cost', 'host_provider_name',
        'invoice_detail_id', 'invoice_id', 'invoice_issuer_name', 'list_cost', 'list_unit_price',
        'pricing_category', 'pricing_currency', 'pricing_currency_contracted_unit_price',
        'pricing_currency_effective_cost', 'pricing_currency_list_unit_price', 'pricing_quantity', 'pricing_unit',
        'region_id', 'region_name', 'resource_id', 'resource_name', 'resource_type', 'service_category',
        'service_name', 'service_provider_name', 'service_subcategory', 'sku_id', 'sku_meter', 'sku_price_details',
        'sku_price_id', 'sub_account_id', 'sub_account_name', 'sub_account_type', 'tags'
    ],
    [
        'api_key_id', 'billed_milliseconds', 'billing_period', 'charge_kind', 'x_delivery_id', 'x_file',
        'finality', 'gpu_count', 'line_item_type', 'model', 'operation', 'provider_name',
        'publisher_name', 'rate_card_id', 'x_row', 'service_tier', 'source', 'token_type', 'usage_type'
    ],
    {
        'commitment_program_eligibility_details': focus_applied_program(),
        'contract_applied': 'cast(null as varchar)',
        'invoice_detail_id': focus_invoice_detail_id()
    }
) }}
