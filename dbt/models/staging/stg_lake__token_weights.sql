-- How much work a token of a model is, by bucket; only what is configured.
select *
from {{ source('lake', 'token_weights') }}
