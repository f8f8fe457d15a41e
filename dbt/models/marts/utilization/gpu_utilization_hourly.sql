-- Pools by the hour. Sustained: half of the pool's hours, of those up to a day back, worked at most this much.
with hours as (
    select
        charge_date,
        hour,
        pool,
        billing_currency,
        count(*) as machines,
        sum(gpus) as gpus,
        {% for column in [
            'paid_seconds', 'allocated_seconds', 'active_seconds', 'warm_idle_seconds', 'unrequested_seconds',
            'changing_seconds', 'unknown_seconds'
        ] -%}
        sum({{ column }})::decimal(18, 3) as {{ column }},
        {% endfor -%}
        {% for column in ['active_cost', 'idle_cost', 'changing_cost', 'unknown_cost', 'effective_cost'] -%}
        sum({{ column }})::decimal(38, 12) as {{ column }},
        {% endfor -%}
        -- Weighted by the time for which each machine was paid.
        (sum(measured_active_share * paid_seconds) / sum(paid_seconds) filter (where measured_active_share is not null))
        ::decimal(9, 6) as measured_active_share,
        (sum(active_seconds) / nullif(sum(paid_seconds) - sum(unknown_seconds), 0))::decimal(9, 6) as active_share,
        (sum(allocated_seconds) / nullif(sum(paid_seconds) - sum(unknown_seconds), 0))::decimal(9, 6) as allocated_share
    from {{ ref('gpu_resources_hourly') }}
    group by charge_date, hour, pool, billing_currency
)

select
    charge_date,
    hour,
    pool,
    billing_currency,
    machines,
    gpus::decimal(18, 6) as gpus,
    paid_seconds,
    allocated_seconds,
    active_seconds,
    warm_idle_seconds,
    unrequested_seconds,
    changing_seconds,
    unknown_seconds,
    active_share,
    allocated_share,
    measured_active_share,
    (median(active_share::double) over a_day)::decimal(9, 6) as sustained_active_share,
    active_cost,
    idle_cost,
    changing_cost,
    unknown_cost,
    effective_cost
from hours
window
    a_day as (
        partition by pool, billing_currency
        order by hour
        range between interval 23 hour preceding and current row
    )
