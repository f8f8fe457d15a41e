-- One row a day on which costs of several currencies can be weights of one share, and a source,
-- billing period and currency of it: the rate that makes the weights comparable. Other days have
-- none: their weights stay in the currency of the bill, and no new rate touches them.
with currencies as (
    select
        spread.charge_date,
        charge_groups.source,
        charge_groups.billing_period,
        charge_groups.billing_currency,
        bool_or(charge_groups.treatment = 'capacity' or charge_groups.rule.pool is not null) as is_pooled,
        bool_or(coalesce(
            charge_groups.rule.scope = 'company'
            or charge_groups.rule.driver in (
                select drivers.driver
                from {{ ref('stg_lake__drivers') }} as drivers
                where drivers.measure = 'direct_cost'
            ),
            false
        )) as is_shared_by_all
    from {{ ref('int_charges_spread_daily') }} as spread
    inner join {{ ref('int_charge_groups') }} as charge_groups
        on spread.charge_group_id = charge_groups.charge_group_id
    group by
        spread.charge_date, charge_groups.source, charge_groups.billing_period, charge_groups.billing_currency
),

mixed_days as (
    select charge_date
    from currencies
    group by charge_date
    having
        (bool_or(is_shared_by_all) and min(billing_currency) <> max(billing_currency))
        or min(billing_currency) filter (where is_pooled) <> max(billing_currency) filter (where is_pooled)
    union
    select charge_date
    from currencies
    group by charge_date, source
    having min(billing_currency) <> max(billing_currency)
)

select
    currencies.charge_date,
    currencies.source,
    currencies.billing_period,
    currencies.billing_currency,
    rates.reporting_currency,
    rates.exchange_rate
from currencies
inner join mixed_days on currencies.charge_date = mixed_days.charge_date
{{ join_exchange_rates('currencies') }}
where rates.exchange_rate is not null
