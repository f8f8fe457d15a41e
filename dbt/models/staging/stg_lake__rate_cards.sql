-- The configuration's rate_cards, as a table.
select *
from {{ source('lake', 'rate_cards') }}
