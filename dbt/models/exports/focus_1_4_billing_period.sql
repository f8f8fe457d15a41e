-- FOCUS 1.4's Billing Period: one row a month and issuer of invoices. A month is closed once each source
-- and currency that was billed for it has an invoice. Times come from the bills, never from the clock.
with billed as (
    select
        billing_period,
        source,
        billing_currency,
        invoice_issuer_name,
        billing_period_start,
        billing_period_end,
        bool_and(coalesce(invoice_id, '') <> '') as names_its_invoice,
        max(charge_period_start) as newest_charge
    from {{ focus_charges() }} as charges
    group by all
),

written as (
    select source, billing_period, max({{ focus_written_at('version') }}) as written_at
    from {{ ref('stg_lake__deliveries') }}
    where status = 'current' and table_name = 'charges'
    group by source, billing_period
),

configured as (
    select distinct source, billing_period, billing_currency
    from {{ ref('stg_lake__invoices') }}
),

periods as (
    select
        billed.billing_period_start,
        billed.billing_period_end,
        billed.invoice_issuer_name,
        billed.billing_period,
        bool_and(billed.names_its_invoice or configured.source is not null) as is_closed,
        greatest(max(billed.newest_charge), max(written.written_at)) as newest
    from billed
    left join written
        on billed.source = written.source and billed.billing_period = written.billing_period
    left join configured
        on
            billed.source = configured.source
            and billed.billing_period = configured.billing_period
            and billed.billing_currency = configured.billing_currency
    group by
        billed.billing_period_start, billed.billing_period_end, billed.invoice_issuer_name, billed.billing_period
)

select
    billing_period_start as "BillingPeriodCreated",
    billing_period_end as "BillingPeriodEnd",
    case when is_closed then greatest(newest, billing_period_end) else newest end as "BillingPeriodLastUpdated",
    billing_period_start as "BillingPeriodStart",
    if(is_closed, 'Closed', 'Open') as "BillingPeriodStatus",
    invoice_issuer_name as "InvoiceIssuerName",
    billing_period as "x_BillingPeriod"
from periods
