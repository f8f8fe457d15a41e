-- What changed of everything but single customers: few rows, which a table answers at once.
{{ config(schema='intermediate', contract={'enforced': false}) }}
select *
from {{ ref('int_cost_changes') }}
where entity <> 'customer_id'
order by entity, value, period_kind, period_start, billing_currency, kind, part, effect
