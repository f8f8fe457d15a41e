-- The configuration's control_totals, as a table.
select *
from {{ source('lake', 'control_totals') }}
