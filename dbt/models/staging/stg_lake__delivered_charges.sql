-- The rows of stg_lake__charges from the files that were delivered, of which that may read copies: what the
-- bill is reconciled with.
select
    x_source as source,
    x_billing_period as billing_period,
    billing_currency,
    charge_category,
    commitment_discount_id,
    commitment_discount_status,
    billed_cost,
    effective_cost
from {{ source('lake', 'delivered_charges') }}
