-- depends_on: {{ ref('int_day_inputs') }}
{{ config(materialized='daily_parquet', meta={'is_of_days': true}) }}
{{ entity_costs_daily('customer_id') }}
