{{ entity_costs_daily('model') }}
