-- What requests of a day are counted from: one row a day, currency and entities, of the attempts that ended; those of
-- an inference that has several stand apart.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(materialized='daily_parquet', meta={'is_of_days': true, 'day_hash': 'attempts_hash'}) }}
{{ inference_counts('charge_date', 'charge_date', is_of_days('charge_date')) }}
