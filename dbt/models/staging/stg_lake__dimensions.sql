-- Where to look for an entity of a charge, in order of position.
select *
from {{ source('lake', 'dimensions') }}
