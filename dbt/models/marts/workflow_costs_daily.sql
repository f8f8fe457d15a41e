{{ entity_costs_daily('workflow') }}
