-- One row a normalized charge of a source that is not the authority for it: compared, never counted.
select
    x_source as source,
    x_billing_period as billing_period,
    billing_currency,
    service_provider_name,
    billing_account_id,
    sub_account_id,
    billed_cost,
    effective_cost
from {{ source('lake', 'compared_charges') }}
