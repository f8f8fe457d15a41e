-- From the invoice to billed cost (cash) and from there to effective cost (accrual), a row a line.
{%- set commitment_purchase = "charge_category = 'Purchase' and commitment_discount_id is not null" %}
with charges as (
    select
        source,
        billing_period,
        billing_currency,
        count(*) as charges,
        sum(billed_cost) as billed_cost,
        coalesce(sum(billed_cost) filter (where charge_category = 'Tax'), 0) as tax,
        coalesce(sum(billed_cost) filter (where charge_category = 'Credit'), 0) as credits,
        coalesce(sum(billed_cost) filter (where {{ commitment_purchase }}), 0) as paid,
        coalesce(sum(billed_cost) filter (
            where charge_category = 'Purchase' and commitment_discount_id is null
        ), 0) as purchases,
        coalesce(sum(billed_cost) filter (where charge_category = 'Usage'), 0) as usage,
        coalesce(sum(billed_cost) filter (where charge_category = 'Adjustment'), 0) as adjustments,
        coalesce(sum(effective_cost - billed_cost) filter (where commitment_discount_status = 'Used'), 0) as used,
        coalesce(sum(effective_cost - billed_cost) filter (where commitment_discount_status = 'Unused'), 0) as unused,
        sum(effective_cost) as effective_cost
    from {{ ref('int_charges') }}
    group by source, billing_period, billing_currency
),

invoices as (
    select
        source,
        billing_period,
        billing_currency,
        string_agg(invoice_id, ', ' order by invoice_id) as invoice_id,
        sum(total) as total,
        sum(tax) as tax
    from {{ ref('stg_lake__invoices') }}
    group by source, billing_period, billing_currency
),

tied as (
    select
        charges.*,
        invoices.invoice_id,
        invoices.total as invoice_total,
        -- A bill that carries no tax is compared with the invoice before tax.
        case when charges.tax = 0 then invoices.total - invoices.tax else invoices.total end as comparable_total,
        -- FOCUS: |sum(BilledCost) - invoice| <= max(100, 0.5 * sqrt(rows)) subunits of the currency.
        (
            greatest(100, 0.5 * sqrt(charges.charges))::decimal(18, 6) * {{ subunit('charges.billing_currency') }}
        )::decimal(38, 12) as tolerance
    from charges
    left join invoices
        on
            charges.source = invoices.source
            and charges.billing_period = invoices.billing_period
            and charges.billing_currency = invoices.billing_currency
),

lines as (
    {%- set lines = [
        ('usage', 'usage'), ('purchases', 'purchases'), ('commitments paid', 'paid'), ('credits', 'credits'),
        ('adjustments', 'adjustments'), ('tax', 'tax'), ('billed cost', 'billed_cost'),
        ('invoice total', 'invoice_total'), ('invoice, comparable', 'comparable_total'),
        ('invoice - billed cost', 'comparable_total - billed_cost'),
        ('- commitments paid', '-paid'), ('+ commitments used', 'used'), ('+ commitments unused', 'unused'),
        ('effective cost', 'effective_cost')
    ] %}
    {%- for label, amount in lines %}
    select *, {{ loop.index }} as line_number, '{{ label }}' as line, {{ amount }} as amount from tied
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    lines.source,
    lines.billing_period,
    lines.billing_currency,
    lines.line_number,
    lines.line,
    lines.amount::decimal(38, 12) as amount,
    lines.invoice_id,
    lines.tolerance,
    case
        when lines.invoice_total is null then 'provisional'
        when abs(lines.comparable_total - lines.billed_cost) <= lines.tolerance then 'tied'
        else 'outside tolerance'
    end as status,
    rates.reporting_currency,
    {{ in_reporting_currency('lines.amount') }} as reporting_amount,
    rates.exchange_rate,
    rates.exchange_rate_from
from lines
{{ join_exchange_rates('lines') }}
