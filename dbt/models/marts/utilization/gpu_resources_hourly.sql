-- Machines by the hour: what was paid, held by a pod, and worked; what their own gauges say beside it.
with fleet as (
    select * from {{ ref('int_fleet_days') }} where kind in ('machine', 'gauge')
),

regions as (
    select resource_id, min(region_id) as region
    from {{ ref('int_charges') }}
    where charge_kind = 'capacity' and resource_id is not null
    group by resource_id
),

machines as (
    select
        fleet.* exclude (gpu_active, gpu_utilization, gpu_memory_used, gpu_power) replace (
            coalesce(busy_ns, 0) as busy_ns,
            coalesce(unknown_ns, 0) as unknown_ns,
            if(models = 1, fleet.model, null) as model
        ),
        regions.region,
        coalesce(warm_idle_ns, 0) as warm_ns,
        coalesce(unrequested_ns, 0) as free_ns,
        coalesce(starting_ns, 0) + coalesce(provisioning_ns, 0) + coalesce(terminating_ns, 0) as changing_ns,
        coalesce(busy_ns, 0) + warm_ns + coalesce(starting_ns, 0) as allocated_ns,
        epoch_ms(hour_end) - epoch_ms(hour) as period_ms
    from fleet
    left join regions on fleet.resource_id = regions.resource_id
    where fleet.kind = 'machine'
),

gauges as (
    select * from fleet where kind = 'gauge'
),

shared as (
    select
        machines.*,
        machines.paid_ns - machines.unknown_ns as known_ns,
        gauges.gpu_active,
        gauges.gpu_utilization,
        gauges.gpu_memory_used,
        gauges.gpu_power,
        (machines.busy_ns / nullif(machines.paid_ns - machines.unknown_ns, 0)::double)::decimal(9, 6) as active_share
    from machines
    left join gauges on machines.resource_id = gauges.resource_id and machines.hour = gauges.hour
)

select
    charge_date,
    hour,
    hour_end,
    pool,
    resource_id,
    region,
    model,
    billing_currency,
    round(paid_ns / (period_ms * 1000000), 6)::decimal(18, 6) as gpus,
    (paid_ns / 1000000000)::decimal(18, 3) as paid_seconds,
    (allocated_ns / 1000000000)::decimal(18, 3) as allocated_seconds,
    (busy_ns / 1000000000)::decimal(18, 3) as active_seconds,
    (warm_ns / 1000000000)::decimal(18, 3) as warm_idle_seconds,
    (free_ns / 1000000000)::decimal(18, 3) as unrequested_seconds,
    (changing_ns / 1000000000)::decimal(18, 3) as changing_seconds,
    (unknown_ns / 1000000000)::decimal(18, 3) as unknown_seconds,
    active_share,
    (allocated_ns / nullif(known_ns, 0)::double)::decimal(9, 6) as allocated_share,
    gpu_active::decimal(9, 6) as measured_active_share,
    gpu_utilization::decimal(9, 6) as measured_utilization_share,
    gpu_memory_used::decimal(28, 0) as memory_used_bytes,
    gpu_power as power_watts,
    case
        when known_ns <= 0 then null
        when greatest(free_ns, warm_ns, changing_ns) = 0 then null
        when free_ns >= greatest(warm_ns, changing_ns) then 'no job'
        when warm_ns >= changing_ns then 'warm idle'
        else 'starting or stopping'
    end as idle_reason,
    -- greatest() would take what is not known for 0.
    if(active_share < gpu_active, 0, active_share - gpu_active)::decimal(9, 6) as stalled_share,
    case
        when gpu_active is null then 'no gauge says when the GPU itself worked'
        when active_share > gpu_active
            then 'requests ran and the GPU did not: no gauge tells waiting for data from the model'
    end as stalled_reason,
    slices_of,
    (allocated_ns * slices_of / (period_ms * 1000000))::decimal(18, 6) as sold_slices,
    ((known_ns - allocated_ns) * slices_of / (period_ms * 1000000))::decimal(18, 6) as unsold_slices,
    coalesce(busy_cost, 0)::decimal(38, 12) as active_cost,
    (coalesce(warm_idle_cost, 0) + coalesce(unrequested_cost, 0))::decimal(38, 12) as idle_cost,
    (coalesce(starting_cost, 0) + coalesce(provisioning_cost, 0) + coalesce(terminating_cost, 0))::decimal(38, 12)
        as changing_cost,
    coalesce(unknown_cost, 0)::decimal(38, 12) as unknown_cost,
    effective_cost
from shared
