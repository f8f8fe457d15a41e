-- One row who answers for an entity's value, and when.
select
    * exclude (x_source),
    x_source as source
from {{ source('lake', 'owners') }}
