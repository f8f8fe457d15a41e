-- What an entity's values may cost in a period.
select *
from {{ source('lake', 'budgets') }}
