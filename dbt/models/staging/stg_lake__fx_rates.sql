-- One row a published rate: one unit of from_currency is worth `rate` units of to_currency on that day.
select
    rate_date,
    from_currency,
    to_currency,
    rate,
    x_source as source,
    x_delivery_id,
    x_file,
    x_row
from {{ source('lake', 'fx_rates') }}
