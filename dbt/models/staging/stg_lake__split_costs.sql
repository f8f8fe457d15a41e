-- One row a part of a resource, by a cloud's own split: weights, never money.
select
    * exclude (x_source, x_billing_period),
    x_source as source,
    x_billing_period as billing_period
from {{ source('lake', 'split_costs') }}
