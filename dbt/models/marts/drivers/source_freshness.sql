-- As of the run.
with days as (
    select
        source,
        strftime(day, '%Y-%m') as billing_period,
        min(day) as first_day,
        max(day) as complete_through,
        count(distinct day) as days
    from (
        select source, unnest(days, recursive := true)
        from {{ ref('stg_lake__deliveries') }}
        where status = 'current'
    ) as delivered
    group by all
)

select
    coalesce(days.source, periods.source) as source,
    coalesce(days.billing_period, periods.billing_period) as billing_period,
    periods.billing_currency,
    days.first_day,
    days.complete_through,
    (days.complete_through - days.first_day + 1 - days.days)::bigint as missing_days,
    periods.finality,
    periods.finality_reason
from days
full join {{ ref('int_period_finalities') }} as periods
    on days.source = periods.source and days.billing_period = periods.billing_period
