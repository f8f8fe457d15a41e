-- Requests on machines of one's own by how many ran on the replica when theirs began, themselves included.
select
    charge_date,
    model,
    billing_currency,
    running_from,
    2 * running_from - 1 as running_to,
    requests,
    successful_requests,
    direct_cost,
    {{ unit_cost('direct_cost', 'requests') }} as direct_cost_per_request,
    {{ unit_cost('direct_cost', 'successful_requests') }} as direct_cost_per_successful_request,
    (duration_ms / requests)::decimal(18, 3) as mean_duration_ms,
    (queued_ms / nullif(queues_known, 0))::decimal(18, 3) as mean_queued_ms,
    if(queues_known = 0, 'no span says how long it waited in the queue', null) as queued_reason
from {{ ref('int_fleet_days') }}
where kind = 'batch'
