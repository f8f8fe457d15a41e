select
    strftime(need_at, '%m-%d %H:%M') || ' ' || pool as need_and_pool,
    outcome,
    (lag_ms / 1000)::decimal(18, 3) as lag_seconds,
    (request_ms / 1000)::decimal(18, 3) as request_seconds,
    (provision_ms / 1000)::decimal(18, 3) as provision_seconds,
    (schedule_ms / 1000)::decimal(18, 3) as schedule_seconds,
    (start_ms / 1000)::decimal(18, 3) as start_seconds,
    requests,
    slo_breaches,
    revenue_at_risk_observed_estimate,
    value_currency,
    revenue_reason as no_revenue_because
from marts.scaling_episodes
where strftime(charge_date, '%Y-%m') = '{period}'
order by lag_seconds desc nulls last, need_and_pool asc
