-- FOCUS 1.4's Invoice Detail: the lines that an invoice's charges add up to, and one line for what the
-- invoice differs by, so that its lines add up to the invoice. Dates and terms of payment are not known here.
with lines as (
    select
        "BillingAccountId",
        "BillingCurrency",
        "BillingPeriodEnd",
        "BillingPeriodStart",
        "ChargeCategory",
        "InvoiceDetailId",
        "InvoiceId",
        "InvoiceIssuerName",
        "x_BillingPeriod",
        "x_Source",
        sum("BilledCost") as billed_cost,
        'Charges of this category' as description
    from {{ ref('focus_1_4') }}
    where "InvoiceId" is not null
    group by all
),

-- A vendor's own id and the configured one are of the same invoice where each is the only one.
invoices as (
    select source, billing_period, billing_currency, any_value(invoice_id) as invoice_id, any_value(total) as total
    from {{ ref('stg_lake__invoices') }}
    group by source, billing_period, billing_currency
    having count(*) = 1
),

billed as (
    select *, count(distinct "InvoiceId") over (partition by "x_Source", "x_BillingPeriod", "BillingCurrency") as ids
    from lines
),

differences as (
    select
        min(lines."BillingAccountId") as "BillingAccountId",
        lines."BillingCurrency",
        lines."BillingPeriodEnd",
        lines."BillingPeriodStart",
        'Adjustment' as "ChargeCategory",
        lines."InvoiceId" || '/difference' as "InvoiceDetailId",
        lines."InvoiceId",
        lines."InvoiceIssuerName",
        lines."x_BillingPeriod",
        lines."x_Source",
        any_value(invoices.total) - sum(lines.billed_cost) as billed_cost,
        'What the invoice differs by from its charges' as description
    from billed as lines
    inner join invoices
        on
            lines."x_Source" = invoices.source
            and lines."x_BillingPeriod" = invoices.billing_period
            and lines."BillingCurrency" = invoices.billing_currency
            and (lines."InvoiceId" = invoices.invoice_id or lines.ids = 1)
    group by all
    having billed_cost <> 0
)

select
    lines.billed_cost::decimal(38, 12) as "BilledCost",
    lines."BillingAccountId",
    lines."BillingCurrency",
    lines."BillingPeriodEnd",
    lines."BillingPeriodStart",
    lines."ChargeCategory",
    lines."BillingPeriodStart" as "InvoiceDetailCreated",
    lines.description as "InvoiceDetailDescription",
    json_object(
        'x_BillingAccountId', lines."BillingAccountId", 'x_ChargeCategory', lines."ChargeCategory"
    )::varchar as "InvoiceDetailGrain",
    lines."InvoiceDetailId",
    periods."BillingPeriodLastUpdated" as "InvoiceDetailLastUpdated",
    lines."InvoiceId",
    cast(null as timestamp) as "InvoiceIssueDate",
    if(starts_with(lines."InvoiceId", 'provisional-'), 'Open', 'Issued') as "InvoiceIssueStatus",
    lines."InvoiceIssuerName",
    cast(null as timestamp) as "PaymentDueDate",
    'Not stated' as "PaymentTerms",
    lines."InvoiceId" as "ReferenceInvoiceId",
    lines."x_BillingPeriod",
    lines."x_Source"
from (
    from lines
    union all by name
    from differences
) as lines
inner join {{ ref('focus_1_4_billing_period') }} as periods
    on
        lines."InvoiceIssuerName" = periods."InvoiceIssuerName"
        and lines."BillingPeriodStart" = periods."BillingPeriodStart"
        and lines."BillingPeriodEnd" = periods."BillingPeriodEnd"
        and lines."x_BillingPeriod" = periods."x_BillingPeriod"
