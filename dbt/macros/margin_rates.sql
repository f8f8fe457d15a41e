{# CTEs of the rate of each month and currency into the reporting currency, as bills are converted: the
   mean of the month's published rates, else the last one of the 7 days before. Needs `months` (charge_month,
   currency). `margin_rates` has one row each; NULL where no rate is known. #}
{% macro margin_rates() -%}
reporting as (
    select any_value(reporting_currency) as reporting_currency
    from {{ ref('stg_lake__reporting_currencies') }}
),

published as (
    select distinct
        rates.rate_date,
        rates.from_currency,
        {{ pico('rates.rate') }} as picos
    from {{ ref('stg_lake__fx_rates') }} as rates
    inner join reporting on rates.to_currency = reporting.reporting_currency
),

averaged as (
    select
        strftime(rate_date, '%Y-%m') as charge_month,
        from_currency,
        {{ exchange_rate('sum(picos)', 'count(*)') }} as rate
    from published
    group by 1, from_currency
),

latest as (
    select
        months.charge_month,
        months.currency,
        {{ exchange_rate('arg_max(published.picos, published.rate_date)', '1') }} as rate
    from months
    inner join published
        on
            months.currency = published.from_currency
            and published.rate_date < cast(months.charge_month || '-01' as date)
            and published.rate_date >= cast(months.charge_month || '-01' as date) - 7
    group by months.charge_month, months.currency
),

margin_rates as (
    select
        months.charge_month,
        months.currency,
        coalesce(reporting.reporting_currency, months.currency) as reporting_currency,
        case
            when coalesce(reporting.reporting_currency, months.currency) = months.currency then 1
            else coalesce(averaged.rate, latest.rate)
        end::decimal(18, 9) as rate
    from months
    cross join reporting
    left join averaged on months.charge_month = averaged.charge_month and months.currency = averaged.from_currency
    left join latest on months.charge_month = latest.charge_month and months.currency = latest.currency
)
{%- endmacro %}

{# CTE `plans`: the plan of each customer from a day on, and until when. #}
{% macro margin_plans() -%}
plans as (
    select
        customer_id,
        coalesce(valid_from, date '1970-01-01') as plan_from,
        max(coalesce(valid_to, date '9999-12-31')) as plan_to,
        min(plan) as plan
    from {{ ref('stg_lake__customers') }}
    where plan is not null
    group by 1, 2
)
{%- endmacro %}
