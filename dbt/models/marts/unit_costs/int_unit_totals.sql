-- int_unit_days and int_unit_periods, with those who used each thing in the period, where a driver stream
-- `active_users` states a number for exactly this period.
{{ config(materialized='view', schema='intermediate', contract={'enforced': false}) }}
select *
from {{ ref('int_unit_days') }}
where period_kind = 'day'
union all by name
select *
from {{ ref('int_unit_periods') }}
