-- One row a score of one inference or attempt.
select
    * exclude (x_source),
    x_source as source
from {{ source('lake', 'evaluations') }}
