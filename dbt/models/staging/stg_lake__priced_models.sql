-- One row a provider, model and service tier as attempts name them: what the price catalogue calls
-- the model and the request's context, or why it has no price.
select *
from {{ source('lake', 'priced_models') }}
