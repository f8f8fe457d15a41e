-- How far each forecast was off, once its month is over: the days that were forecast, against what they cost.
{{ config(materialized='view') }}
with days as (
    select
        *,
        date_trunc('month', period_start)::date as month_start
    from {{ ref('stg_lake__forecasts') }}
    where period_kind = 'day'
),

finalities as (
    select
        billing_period,
        billing_currency,
        source,
        bool_and(finality = 'final') as is_final
    from {{ ref('source_freshness') }}
    where finality is not null
    group by grouping sets ((billing_period, billing_currency, source), (billing_period, billing_currency))
),

scored as (
    select
        days.*,
        coalesce(costs.cost, 0)::decimal(38, 12) as actual_cost,
        coalesce(complete.complete_through >= (days.month_start + interval 1 month)::date - 1, false) as is_over
    from days
    cross join {{ ref('int_complete_days') }} as complete
    left join {{ ref('int_forecast_costs_daily') }} as costs
        on
            days.period_start = costs.charge_date
            and days.billing_currency = costs.billing_currency
            and days.entity = costs.entity
            and days.value = costs.value
),

summed as (
    select
        made_on,
        month_start,
        billing_currency,
        entity,
        value,
        bool_and(is_over) as is_over,
        any_value(is_backtest) as is_backtest,
        any_value(method) as method,
        any_value(reason) as forecast_reason,
        count(*) as days,
        sum(cost_estimate) as cost_estimate,
        sum(actual_cost) as actual_cost,
        sum(abs(actual_cost)) as absolute_cost,
        sum(abs(cost_estimate - actual_cost)) as absolute_error_estimate,
        count(*) filter (where actual_cost between lower_estimate and upper_estimate) as days_within,
        count(lower_estimate) as days_with_interval
    from scored
    group by made_on, month_start, billing_currency, entity, value
)

select
    summed.made_on,
    strftime(summed.month_start, '%Y-%m') as period,
    summed.billing_currency,
    summed.entity,
    summed.value,
    summed.is_backtest,
    summed.method,
    summed.days,
    summed.cost_estimate::decimal(38, 6) as cost_estimate,
    if(summed.is_over, summed.actual_cost, null)::decimal(38, 12) as actual_cost,
    if(summed.is_over, summed.cost_estimate - summed.actual_cost, null)::decimal(38, 6) as error_estimate,
    if(summed.is_over, summed.absolute_error_estimate, null)::decimal(38, 6) as absolute_error_estimate,
    if(
        summed.is_over and summed.absolute_cost >= 0.01,
        summed.absolute_error_estimate / summed.absolute_cost,
        null
    )::decimal(18, 6) as wape_estimate,
    if(
        summed.is_over and summed.days_with_interval > 0,
        summed.days_within / summed.days_with_interval,
        null
    )::decimal(9, 6) as interval_coverage,
    case
        when not summed.is_over then 'the month is not over'
        when summed.cost_estimate is null then summed.forecast_reason
        when summed.absolute_cost < 0.01 then 'less than 0.01 was spent'
    end as reason,
    case
        when not summed.is_over then null
        when finalities.is_final then 'final'
        else 'provisional'
    end as finality
from summed
left join finalities
    on
        strftime(summed.month_start, '%Y-%m') = finalities.billing_period
        and summed.billing_currency = finalities.billing_currency
        and if(summed.entity = 'source', summed.value, null) is not distinct from finalities.source
