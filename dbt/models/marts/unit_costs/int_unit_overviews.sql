-- What int_unit_periods has but single customers and hours: few rows, which a table answers at once. They
-- come sorted as its files are.
{{ config(schema='intermediate', contract={'enforced': false}) }}
select *
from {{ ref('int_unit_periods') }}
where entity <> 'customer_id' and period_kind <> 'hour'
