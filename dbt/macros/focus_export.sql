{# Every charge under the names of one version of FOCUS: its columns, then the custom ones, both as listed
   (sorted). `computed` holds the SQL of columns that are not merely renamed. #}
{% macro focus_export(focus_columns, custom_columns, computed={}) -%}
with configured as (
    select source, billing_period, billing_currency, any_value(invoice_id) as invoice_id, count(*) as invoices
    from (select distinct source, billing_period, billing_currency, invoice_id from {{ ref('stg_lake__invoices') }})
    group by source, billing_period, billing_currency
),

invoiced as (
    select charges.* replace ({{ focus_invoice_id('charges', 'configured') }} as invoice_id)
    from {{ focus_charges() }} as charges
    left join configured
        on
            charges.source = configured.source
            and charges.billing_period = configured.billing_period
            and charges.billing_currency = configured.billing_currency
)

select
    {%- for column in focus_columns %}
    {{ computed.get(column, column) }} as "{{ focus_name(column) }}",
    {%- endfor %}
    {%- for column in custom_columns %}
    {{ column }} as "{{ focus_name(column, is_custom=true) }}"{{ ',' if not loop.last }}
    {%- endfor %}
from invoiced
{%- endmacro %}

{# The charges that are exported: the vendors' own, and those that a rate card priced. #}
{% macro focus_charges() -%}
    (select * rename (billed_model as model) from {{ ref('int_charges') }})
{%- endmacro %}

{# The vendor's own invoice; else the configured one; else, while there is none, a provisional one that FOCUS
   lets be generated before an invoice is issued. Where several are configured, nobody knows which: NULL. #}
{% macro focus_invoice_id(charges, configured) -%}
    coalesce(
        {{ charges }}.invoice_id,
        case
            when {{ configured }}.invoices = 1 then {{ configured }}.invoice_id
            when {{ configured }}.invoices is null
                then concat_ws(
                    '-', 'provisional', {{ charges }}.source, {{ charges }}.billing_period,
                    {{ charges }}.billing_currency
                )
        end
    )
{%- endmacro %}

{# The line of the invoice that a charge is on: what one issuer bills an account in one category. #}
{% macro focus_invoice_detail_id() -%}
    invoice_id || '/' || billing_account_id || '/' || invoice_issuer_name || '/' || charge_category
{%- endmacro %}

{# When a delivery was written, where its version tells: 2026-11-03T06:10:00… or 20261103T061000…. #}
{% macro focus_written_at(version) -%}
    try_strptime(
        regexp_replace(
            regexp_extract({{ version }}, '\d{4}-?\d\d-?\d\dT\d\d:?\d\d:?\d\d'), '[-:]', '', 'g'
        ),
        '%Y%m%dT%H%M%S'
    )
{%- endmacro %}

{# Of the programs that a charge could have used, the one that it did use is what a bill tells. #}
{% macro focus_applied_program() -%}
    case
        when commitment_discount_type is not null and charge_category = 'Usage'
            then '{"CommitmentPrograms":[{"ProgramType":' || to_json(commitment_discount_type) || '}]}'
    end
{%- endmacro %}
