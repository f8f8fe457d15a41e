-- Each region holds what its own peak needs; one fleet would hold what the peak of all together needs.
-- The difference, at what a GPU of the pool cost, is what pooling might have saved on the day.
with hours as (
    select charge_date, hour, pool, billing_currency, sum(active_gpus) as active_gpus
    from {{ ref('region_demand_hourly') }}
    group by all
),

pooled as (
    select charge_date, pool, billing_currency, max(active_gpus) as pooled_peak_gpus
    from hours
    group by all
),

regions as (
    select
        charge_date,
        pool,
        billing_currency,
        region,
        max(active_gpus) as peak_gpus,
        sum(effective_cost) as effective_cost,
        sum(gpus) as gpu_hours
    from {{ ref('region_demand_hourly') }}
    group by all
),

summed as (
    select
        charge_date,
        pool,
        billing_currency,
        count(*) as regions,
        sum(peak_gpus) as sum_of_peaks_gpus,
        sum(effective_cost)::decimal(38, 12) as effective_cost,
        sum(gpu_hours) as gpu_hours
    from regions
    group by all
)

select
    summed.charge_date,
    summed.pool,
    summed.billing_currency,
    summed.regions,
    summed.sum_of_peaks_gpus::decimal(18, 6) as sum_of_peaks_gpus,
    pooled.pooled_peak_gpus::decimal(18, 6) as pooled_peak_gpus,
    -- Never more than was paid.
    round(least(
        summed.effective_cost::double,
        (summed.sum_of_peaks_gpus - pooled.pooled_peak_gpus)::double * 24
        * summed.effective_cost::double / nullif(summed.gpu_hours::double, 0)
    ), 6)::decimal(38, 12) as avoidable_cost_estimate,
    if(summed.regions < 2, 'the pool is in one region', null) as avoidable_reason,
    summed.effective_cost
from summed
inner join pooled
    on
        summed.charge_date = pooled.charge_date and summed.pool = pooled.pool
        and summed.billing_currency = pooled.billing_currency
