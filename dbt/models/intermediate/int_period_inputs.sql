-- One row a month that is a billing period or has a day, with the files of the days on which its costs
-- arose or that are its own or of the week in which it begins, and hashes of what these were built from:
-- as int_day_inputs, for what is made of a month.
with period_days as (
    select
        charge_groups.billing_period as period,
        spread.charge_date
    from {{ ref('int_charges_spread_daily') }} as spread
    inner join {{ ref('int_charge_groups') }} as charge_groups
        on spread.charge_group_id = charge_groups.charge_group_id
    union
    select
        strftime(charge_date, '%Y-%m'),
        charge_date
    from {{ ref('int_day_inputs') }}
    union
    select distinct
        strftime(months.charge_date, '%Y-%m'),
        days.charge_date
    from {{ ref('int_day_inputs') }} as months
    inner join {{ ref('int_day_inputs') }} as days
        on
            days.charge_date >= date_trunc('week', date_trunc('month', months.charge_date))
            and days.charge_date < date_trunc('month', months.charge_date)
)

select
    period_days.period,
    list(days.files order by days.charge_date) as files,
    md5(string_agg(days.charge_date || days.attempts_hash, ',' order by days.charge_date)) as attempts_hash,
    md5(string_agg(days.charge_date || days.costs_hash, ',' order by days.charge_date)) as costs_hash,
    md5(string_agg(days.charge_date || days.units_hash, ',' order by days.charge_date)) as units_hash,
    bool_or(days.is_new) as is_new
from period_days
inner join {{ ref('int_day_inputs') }} as days on period_days.charge_date = days.charge_date
group by period_days.period
