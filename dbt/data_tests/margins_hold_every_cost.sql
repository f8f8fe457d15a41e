-- depends_on: {{ ref('int_day_inputs') }}
-- Per month with a day that is not as published, currency and scope: the cost is the ledger's.
{%- set months = [] %}
{%- if execute %}
    {%- for row in run_query(
        "select distinct date_trunc('month', charge_date)::date from " ~ ref('int_day_inputs')
        ~ ' where is_new order by 1'
    ).rows %}{% do months.append("'" ~ row[0] ~ "'") %}{% endfor %}
{%- endif %}
with ledger as (
    select
        strftime(charge_date, '%Y-%m') as charge_month,
        coalesce(reporting_currency, billing_currency) as currency,
        sum(coalesce(reporting_cost, effective_cost::decimal(38, 21))) as cost
    from {{ ref('allocated_costs') }}
    where
        {% for month in months -%}
        (charge_date >= date {{ month }} and charge_date < date {{ month }} + interval 1 month)
        {{ 'or ' if not loop.last }}
        {%- else -%}
        false
        {%- endfor %}
    group by all
),

margins as (
    select charge_month, currency, scope, coalesce(sum(cost), 0) as cost
    from {{ ref('margins') }}
    group by all
),

scopes as (
    select unnest(['total', 'customer', 'product', 'plan']) as scope
)

select ledger.charge_month, ledger.currency, scopes.scope, ledger.cost, margins.cost as margin_cost
from ledger
cross join scopes
left join margins
    on
        ledger.charge_month = margins.charge_month
        and ledger.currency = margins.currency
        and scopes.scope = margins.scope
where margins.cost is distinct from ledger.cost
