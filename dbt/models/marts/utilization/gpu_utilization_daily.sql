-- Pools by the day, against their targets, and what a request would have cost had the same machines been
-- busier: the pool's cost is what it is, and more requests would have shared it.
{%- set levels = [30, 50, 80] %}
with days as (
    select
        charge_date,
        pool,
        billing_currency,
        sum(paid_seconds)::decimal(18, 3) as paid_seconds,
        sum(allocated_seconds)::decimal(18, 3) as allocated_seconds,
        sum(active_seconds)::decimal(18, 3) as active_seconds,
        sum(unknown_seconds)::decimal(18, 3) as unknown_seconds,
        sum(effective_cost)::decimal(38, 12) as effective_cost,
        median(active_share::double)::decimal(9, 6) as sustained_active_share,
        max(active_share) as peak_active_share
    from {{ ref('gpu_utilization_hourly') }}
    group by charge_date, pool, billing_currency
),

work as (
    select charge_date, pool, billing_currency, sum(requests)::bigint as requests
    from {{ ref('int_fleet_days') }}
    where kind = 'work'
    group by charge_date, pool, billing_currency
),

targeted as (
    select
        days.*,
        work.requests,
        targets.target,
        (active_seconds / nullif(paid_seconds - unknown_seconds, 0))::decimal(9, 6) as active_share,
        (allocated_seconds / nullif(paid_seconds - unknown_seconds, 0))::decimal(9, 6) as allocated_share
    from days
    left join work
        on
            days.charge_date = work.charge_date and days.pool = work.pool
            and days.billing_currency = work.billing_currency
    left join {{ ref('stg_lake__utilization_targets') }} as targets
        on days.pool glob targets.pool and {{ is_valid_on('targets', 'days.charge_date') }}
    qualify row_number() over (
        partition by days.charge_date, days.pool, days.billing_currency order by targets.priority
    ) = 1
)

select
    charge_date,
    pool,
    billing_currency,
    paid_seconds,
    allocated_seconds,
    active_seconds,
    unknown_seconds,
    active_share,
    allocated_share,
    sustained_active_share,
    peak_active_share,
    target::decimal(9, 6) as target_share,
    -- At the target, the same work would have needed active ÷ target of the time.
    round(effective_cost::double * if(active_share > target, 0, 1 - active_share / target::double), 6)::decimal(38, 12)
        as gap_cost_estimate,
    case
        when active_share is null then 'nothing tells what these machines did'
        when target is null then 'no target is configured for this pool: economics.utilization_targets'
    end as gap_reason,
    effective_cost,
    requests,
    {{ unit_cost('effective_cost', 'requests') }} as cost_per_request
    {%- for level in levels %},
    round({{ unit_cost('effective_cost', 'requests') }}::double * active_share / 0.{{ level }}, 9)::decimal(38, 12)
        as cost_per_request_at_{{ level }}_percent_estimate
    {%- endfor %}
from targeted
