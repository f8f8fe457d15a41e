-- Machines of which no telemetry says anything in a month: no state, no request, no metric.
select
    strftime(charge_date, '%Y-%m') as charge_month,
    source,
    billing_currency,
    resource_id,
    coalesce(max(nullif(accelerator, '(none)')), '(none)') as accelerator,
    min(charge_date) as first_charge_date,
    max(charge_date) as last_charge_date,
    sum(effective_cost)::decimal(38, 12) as effective_cost
from {{ ref('int_driver_costs') }}
where resource_id is not null
group by charge_month, source, billing_currency, resource_id
having not bool_or(is_seen) and sum(effective_cost) > 0
