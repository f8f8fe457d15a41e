-- A table, not files a day: it is small, and read as a whole.
select *
from {{ ref('int_owner_costs') }}
