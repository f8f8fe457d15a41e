-- The same of a calendar month (UTC), in which an inference with attempts on several days counts once.
-- depends_on: {{ ref('int_period_inputs') }}
{{ config(materialized='monthly_parquet', meta={'day_hash': 'attempts_hash'}) }}
{%- set month = "strftime(charge_date, '%Y-%m')" %}
{{ inference_counts(month, 'billing_period', is_of_period(month)) }}
