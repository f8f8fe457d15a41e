-- One row a configured source.
select
    source,
    connector,
    is_authoritative
from {{ source('lake', 'sources') }}
