{{ entity_costs('workflow') }}
