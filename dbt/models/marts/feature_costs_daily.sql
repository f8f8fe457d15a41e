{{ entity_costs_daily('feature') }}
