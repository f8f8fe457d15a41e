-- By the calendar month of use (UTC): what is lost of a month is better known than what is lost of each day.
-- depends_on: {{ ref('int_period_inputs') }}
{{ config(materialized='monthly_parquet', meta={'day_hash': 'attempts_hash'}) }}
{%- set month = "strftime(charge_date, '%Y-%m')" %}
with {{ cost_bounds(month, is_of_period(month)) }}

select
    grain as charge_month,
    {{ bounded_columns() }}
from bounded
