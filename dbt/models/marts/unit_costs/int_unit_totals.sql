-- Of a week in two months the later month has all.
{{ config(materialized='view', schema='intermediate', contract={'enforced': false}) }}
select *
from {{ ref('int_unit_periods') }}
where
    continued_in is null
    or continued_in not in (select strftime(days.charge_date, '%Y-%m') from {{ ref('int_day_inputs') }} as days)
