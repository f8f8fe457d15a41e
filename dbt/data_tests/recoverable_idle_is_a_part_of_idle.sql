-- What could have been stopped is an estimate of a part: never more than the idle cost, never below 0.
select charge_date, pool, reason, owner, billing_currency, idle_cost, recoverable_cost_estimate
from {{ ref('idle_waste_daily') }}
where recoverable_cost_estimate < 0 or recoverable_cost_estimate > idle_cost
