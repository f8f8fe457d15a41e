{# The money of a mart adds up to the ledger's: per period and currency, exactly, and nothing is missing.

   cost      the column to be added up (default effective_cost)
   where     the rows of the mart that hold the money once, such as "entity = 'customer_id'"
   each      a column whose every value has the whole sum, such as entity
   part      the rows of the ledger that the mart claims, such as "component = 'idle'" (default: all)
   day, week, month, billing_period
             name one: the mart's column that says when. day, week (its Monday) and month (its first
             day, or text YYYY-MM) are of the UTC day of use; billing_period is the month of the bill.
             Default: day: charge_date
   currency  the mart's column of the currency; the cost is the ledger's reporting_cost where it is
             reporting_currency

   Only periods with a day that is not as published are read: what is published has been tested. #}
{% test sums_to_effective_cost(
    model, cost='effective_cost', where='true', each='true', part='true',
    day=none, week=none, month=none, billing_period=none, currency='billing_currency'
) %}
{%- set of_ledger = {
    'week': "date_trunc('week', charge_date)::date::varchar", 'month': "strftime(charge_date, '%Y-%m')",
    'billing_period': 'billing_period', 'day': 'charge_date::varchar'
} -%}
{%- set by = 'week' if week else 'month' if month else 'billing_period' if billing_period else 'day' -%}
{%- set column = week or month or billing_period or day or 'charge_date' -%}
{%- set length = 7 if by in ['month', 'billing_period'] else 10 -%}
{%- set of_mart = 'left(' ~ column ~ '::varchar, ' ~ length ~ ')' -%}
{%- set ledger_cost = 'reporting_cost' if currency == 'reporting_currency' else 'effective_cost' -%}
{#- Written out, so that files of other days are not read. -#}
{%- set first = none -%}
{%- set last = none -%}
{%- if execute -%}
    {%- set inputs = ref('int_day_inputs') -%}
    {%- set new = run_query('select min(charge_date), max(charge_date) from ' ~ inputs ~ ' where is_new') -%}
    {%- set first, last = new.rows[0][0], new.rows[0][1] -%}
{%- endif -%}
{%- set is_near = is_new('charge_date') if by == 'day' else 'true' if by == 'billing_period' or not first else (
    "charge_date >= date_trunc('" ~ by ~ "', date '" ~ first ~ "') and charge_date < date_trunc('" ~ by ~ "', date '"
    ~ last ~ "') + interval 1 " ~ by
) -%}
-- depends_on: {{ ref('int_day_inputs') }}
-- depends_on: {{ ref('int_charges_spread_daily') }}
-- depends_on: {{ ref('int_charge_groups') }}
with ledger as (
    select {{ of_ledger[by] }} as period, {{ currency }} as currency, sum({{ ledger_cost }}) as effective_cost
    from {{ ref('allocated_costs') }}
    where {{ part }} and {{ is_near }}
    group by all
),

new_periods as (
    {% if by == 'billing_period' -%}
    select billing_period as period
    from (select distinct period as billing_period from ledger) as periods
    where {{ is_new('billing_period') }}
    {%- else -%}
    select distinct {{ of_ledger[by] }} as period
    from {{ ref('int_day_inputs') }}
    where is_new
    {%- endif %}
),

mart as (
    select
        {{ of_mart }} as period,
        {{ currency }} as currency,
        ({{ each }})::varchar as each,
        sum({{ cost }}) as effective_cost
    from {{ model }}
    where ({{ where }}) and {{ is_new(column) if by == 'day' else 'true' }}
    group by all
),

expected as (
    select ledger.*, every.each
    from ledger
    cross join (
        select each::varchar as each from mart
        union
        select 'true' where not exists (select 1 from mart)
    ) as every
)

select
    coalesce(expected.period, mart.period) as period,
    coalesce(expected.currency, mart.currency) as currency,
    coalesce(expected.each, mart.each) as each,
    expected.effective_cost,
    mart.effective_cost as mart_cost
from expected
full join mart
    on
        expected.period = mart.period and expected.currency is not distinct from mart.currency
        and expected.each is not distinct from mart.each
where
    coalesce(expected.effective_cost, 0) <> coalesce(mart.effective_cost, 0)
    and coalesce(expected.period, mart.period) in (select period from new_periods)
{% endtest %}
