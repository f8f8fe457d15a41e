-- Forecasts as they were made.
select *
from {{ source('lake', 'forecasts') }}
