-- The answers of the tables that dimensions name, a key each and dates.
select *
from {{ source('lake', 'dimension_mappings') }}
