-- The configuration's reporting_currency: one row, or none where nothing is converted.
select *
from {{ source('lake', 'reporting_currencies') }}
