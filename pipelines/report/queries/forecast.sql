with newest as (
    select *
    from marts.forecasts
    where
        period_kind = 'month'
        and entity in ('all', 'owner')
        and strftime(period_start, '%Y-%m') in (
            '{period}', strftime(cast('{period}-01' as date) + interval 1 month, '%Y-%m')
        )
    qualify row_number() over (partition by billing_currency, entity, value, period_start order by made_on desc) = 1
)

select
    newest.billing_currency as currency,
    strftime(newest.period_start, '%Y-%m') || ' ' || newest.entity || if(newest.entity = 'all', '', ' ' || newest.value)
        as month_and_what,
    newest.cost_estimate,
    newest.lower_estimate,
    newest.upper_estimate,
    newest.known_cost,
    newest.made_on,
    newest.is_backtest as made_afterwards,
    accuracy.error_estimate,
    accuracy.wape_estimate as off_by_share,
    accuracy.interval_coverage as within_interval_share,
    coalesce(newest.reason, accuracy.reason) as note
from newest
left join marts.forecast_accuracy as accuracy
    on
        newest.made_on = accuracy.made_on
        and strftime(newest.period_start, '%Y-%m') = accuracy.period
        and newest.billing_currency = accuracy.billing_currency
        and newest.entity = accuracy.entity
        and newest.value = accuracy.value
order by newest.billing_currency asc, newest.period_start asc, newest.entity asc, newest.cost_estimate desc, newest.value asc
