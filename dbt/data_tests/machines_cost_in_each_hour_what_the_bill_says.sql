-- What machines cost by state adds up to their charges, on each day that is not as published.
-- depends_on: {{ ref('int_day_inputs') }}
with hours as (
    select
        charge_date,
        billing_currency,
        sum(effective_cost) as effective_cost,
        sum(active_cost + idle_cost + changing_cost + unknown_cost) as cost_of_states
    from {{ ref('gpu_resources_hourly') }}
    where {{ is_new('charge_date') }}
    group by charge_date, billing_currency
),

charged as (
    select charge_date, billing_currency, sum(effective_cost) as effective_cost
    from {{ ref('int_charge_groups') }}
    where treatment = 'capacity' and effective_cost <> 0 and {{ is_new('charge_date') }}
    group by charge_date, billing_currency
)

select charged.*, hours.effective_cost as cost_of_hours, hours.cost_of_states
from charged
full join hours
    on charged.charge_date = hours.charge_date and charged.billing_currency = hours.billing_currency
where
    charged.effective_cost is distinct from hours.effective_cost
    or hours.cost_of_states is distinct from hours.effective_cost
