{{ entity_costs('feature') }}
