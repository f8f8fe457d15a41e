-- All states of machines and pods at once: those of a year are 365 files, which are opened once for what
-- looks at more than a day.
select *
from {{ ref('stg_lake__resource_states') }}
