-- What stopping a machine of a pool takes, and how many are kept without requests; the first valid row
-- of a pool counts.
select *
from {{ source('lake', 'scaling_policies') }}
