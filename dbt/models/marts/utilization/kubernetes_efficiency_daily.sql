-- What pods asked of a machine's CPU, what they used, and what was paid: means over the hours that gauges saw.
with gauges as (
    select
        charge_date,
        resource_id,
        count(*) as hours,
        avg(cpu_capacity) as cpu_capacity,
        avg(cpu_requested) as cpu_requested,
        avg(cpu_used) as cpu_used,
        avg(gpus_requested) as gpus_requested
    from {{ ref('int_fleet_days') }}
    where kind = 'gauge'
    group by charge_date, resource_id
),

machines as (
    select
        charge_date,
        resource_id,
        min(pool) as pool,
        billing_currency,
        (sum(gpus * (epoch_ms(hour_end) - epoch_ms(hour))) / sum(epoch_ms(hour_end) - epoch_ms(hour)))::decimal(18, 6)
            as gpus,
        sum(effective_cost)::decimal(38, 12) as effective_cost
    from {{ ref('gpu_resources_hourly') }}
    group by charge_date, resource_id, billing_currency
)

select
    machines.charge_date,
    machines.resource_id,
    machines.pool,
    machines.billing_currency,
    gauges.cpu_capacity::decimal(18, 6) as cpu_paid,
    gauges.cpu_requested::decimal(18, 6) as cpu_requested,
    gauges.cpu_used::decimal(18, 6) as cpu_used,
    (gauges.cpu_requested / nullif(gauges.cpu_capacity, 0))::decimal(9, 6) as cpu_requested_share,
    (gauges.cpu_used / nullif(gauges.cpu_capacity, 0))::decimal(9, 6) as cpu_used_share,
    case
        when gauges.cpu_capacity is null then 'no gauge says how many cores the machine has'
        when gauges.cpu_used is null then 'no gauge says how many cores its pods used'
    end as cpu_reason,
    null::decimal(9, 6) as memory_used_share,
    'memory of pods is no gauge that is kept' as memory_reason,
    machines.gpus as gpus_paid,
    gauges.gpus_requested::decimal(18, 6) as gpus_requested,
    if(gauges.gpus_requested is null, 'no gauge says how many GPUs its pods asked for', null) as gpus_reason,
    round(
        machines.effective_cost::double
        * if(gauges.cpu_used > gauges.cpu_capacity, 0, 1 - gauges.cpu_used / nullif(gauges.cpu_capacity, 0)),
        6
    )::decimal(38, 12) as cpu_idle_cost_estimate,
    machines.effective_cost
from machines
left join gauges on machines.charge_date = gauges.charge_date and machines.resource_id = gauges.resource_id
