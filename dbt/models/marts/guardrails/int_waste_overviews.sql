-- What int_wasted_days has but single customers: few rows, which a table answers at once.
{{ config(schema='intermediate', contract={'enforced': false}) }}
select *
from {{ ref('int_wasted_days') }}
where entity <> 'customer_id'
order by entity, value, charge_date, billing_currency
