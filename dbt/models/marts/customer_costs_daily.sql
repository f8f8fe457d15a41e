-- depends_on: {{ ref('int_day_inputs') }}
{{ config(materialized='daily_parquet') }}
{{ entity_costs_daily('customer_id') }}
