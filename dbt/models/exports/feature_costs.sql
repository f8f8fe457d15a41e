-- depends_on: {{ ref('int_period_inputs') }}
{{ config(materialized='monthly_parquet') }}
{{ entity_costs('feature') }}
