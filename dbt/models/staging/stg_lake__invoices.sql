-- The configuration's invoices, as a table.
select *
from {{ source('lake', 'invoices') }}
