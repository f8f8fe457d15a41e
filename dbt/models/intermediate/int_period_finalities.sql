-- One row a source, billing period and currency: final once an invoice says what it costs, or once
-- the vendor itself calls every charge of it final.
{{ config(materialized='view') }}
select
    charges.source,
    charges.billing_period,
    charges.billing_currency,
    case
        when max(invoices.invoice_id) is not null then 'final'
        when bool_and(coalesce(charges.finality = 'final', false)) then 'final'
        else 'provisional'
    end as finality,
    case
        when max(invoices.invoice_id) is not null then 'invoice ' || max(invoices.invoice_id)
        when bool_and(coalesce(charges.finality = 'final', false)) then 'the vendor calls it final'
        when count(charges.finality) = 0 then 'no invoice, and the vendor does not say'
        else 'no invoice, and the vendor can still change it'
    end as finality_reason
from {{ ref('int_charges') }} as charges
left join (
    select source, billing_period, billing_currency, min(invoice_id) as invoice_id
    from {{ ref('stg_lake__invoices') }}
    group by source, billing_period, billing_currency
) as invoices
    on
        charges.source = invoices.source
        and charges.billing_period = invoices.billing_period
        and charges.billing_currency = invoices.billing_currency
group by charges.source, charges.billing_period, charges.billing_currency
