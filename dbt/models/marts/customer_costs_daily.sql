{{ entity_costs_daily('customer_id') }}
