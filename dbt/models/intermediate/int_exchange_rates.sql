-- One row a source, billing period and currency: the one rate that its charges are converted with.
-- The invoice's own rate; else the mean of the rates published in the month, half-even to 9 decimals;
-- a month that begins with a weekend has the last one published in the 7 days before.
with keys as (
    select distinct
        charge_groups.source,
        charge_groups.billing_period,
        charge_groups.billing_currency,
        reporting.reporting_currency
    from {{ ref('int_charge_groups') }} as charge_groups
    cross join {{ ref('stg_lake__reporting_currencies') }} as reporting
),

invoiced as (
    select source, billing_period, billing_currency, any_value(exchange_rate) as exchange_rate
    from {{ ref('stg_lake__invoices') }}
    group by source, billing_period, billing_currency
),

published as (
    select distinct rate_date, from_currency, to_currency, {{ pico('rate') }} as picos
    from {{ ref('stg_lake__fx_rates') }}
),

averaged as (
    select
        strftime(rate_date, '%Y-%m') as billing_period,
        from_currency,
        to_currency,
        count(*) as days,
        {{ exchange_rate('sum(picos)', 'count(*)') }} as exchange_rate
    from published
    group by 1, from_currency, to_currency
),

latest as (
    select
        keys.source,
        keys.billing_period,
        keys.billing_currency,
        max(published.rate_date) as rate_date,
        {{ exchange_rate('arg_max(published.picos, published.rate_date)', '1') }} as exchange_rate
    from keys
    inner join published
        on
            keys.billing_currency = published.from_currency
            and keys.reporting_currency = published.to_currency
            and published.rate_date < cast(keys.billing_period || '-01' as date)
            and published.rate_date >= cast(keys.billing_period || '-01' as date) - 7
    group by keys.source, keys.billing_period, keys.billing_currency
)

select
    keys.source,
    keys.billing_period,
    keys.billing_currency,
    keys.reporting_currency,
    case
        when keys.billing_currency = keys.reporting_currency then 1
        else coalesce(invoiced.exchange_rate, averaged.exchange_rate, latest.exchange_rate)
    end::decimal(18, 9) as exchange_rate,
    case
        when keys.billing_currency = keys.reporting_currency then 'the same currency'
        when invoiced.exchange_rate is not null then 'invoice'
        when averaged.exchange_rate is not null
            then 'mean of the ' || averaged.days || ' rates published in the month'
        else 'last published before the month, on ' || latest.rate_date
    end as exchange_rate_from
from keys
left join invoiced
    on
        keys.source = invoiced.source
        and keys.billing_period = invoiced.billing_period
        and keys.billing_currency = invoiced.billing_currency
left join averaged
    on
        keys.billing_period = averaged.billing_period
        and keys.billing_currency = averaged.from_currency
        and keys.reporting_currency = averaged.to_currency
left join latest
    on
        keys.source = latest.source
        and keys.billing_period = latest.billing_period
        and keys.billing_currency = latest.billing_currency
