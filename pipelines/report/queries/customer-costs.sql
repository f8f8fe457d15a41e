select
    billing_currency as currency,
    customer_id as customer,
    inferences,
    direct_cost,
    idle_cost,
    scaling_cost,
    shared_cost,
    overhead_cost,
    unmatched_cost,
    effective_cost,
    loaded_cost_per_inference
from exports.customer_costs as costs
where billing_period = '{period}'
order by billing_currency asc, costs.effective_cost desc nulls last, customer_id asc
