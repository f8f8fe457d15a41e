-- Demand is GPUs that worked, capacity is GPUs that were paid: means of the hour.
select
    charge_date,
    hour,
    pool,
    coalesce(region, '(unknown)') as region,
    billing_currency,
    sum(gpus)::decimal(18, 6) as gpus,
    {{ rounded('sum(gpus * active_share)', 'decimal(18, 6)') }} as active_gpus,
    sum(effective_cost)::decimal(38, 12) as effective_cost
from {{ ref('gpu_resources_hourly') }}
group by all
