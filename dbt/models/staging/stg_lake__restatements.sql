-- One row a delivery, billing period and kind of charge: what the delivery changed.
select
    * exclude (x_source, x_billing_period),
    x_source as source,
    x_billing_period as billing_period
from {{ source('lake', 'restatements') }}
