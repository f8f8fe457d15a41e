-- Two places, told apart by one column: what is asked of one of them does not open the other's files.
{{ config(materialized='view') }}
select *
from {{ ref('int_waste_overviews') }}
union all by name
select *
from {{ ref('int_wasted_days') }}
where entity = 'customer_id'
