-- One row a customer's revenue in one period.
select
    * exclude (x_source),
    x_source as source
from {{ source('lake', 'revenue') }}
