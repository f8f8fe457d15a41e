-- Pools of capacity, which charges are theirs and who answers for them; NULL is the platform.
select *
from {{ source('lake', 'pools') }}
