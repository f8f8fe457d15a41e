{{ entity_costs('customer_id') }}
