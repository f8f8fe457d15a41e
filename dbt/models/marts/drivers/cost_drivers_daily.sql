select
    costs.charge_date,
    costs.source,
    costs.billing_period,
    costs.billing_currency,
    costs.cost_driver,
    costs.layer,
    costs.path,
    costs.machine,
    costs.pool,
    costs.deployment_kind,
    costs.purchase_kind,
    costs.accelerator,
    sum(costs.effective_cost)::decimal(38, 12) as effective_cost,
    any_value(rates.reporting_currency) as reporting_currency,
    sum({{ in_reporting_currency('costs.effective_cost') }})::decimal(38, 21) as reporting_cost
from {{ ref('int_driver_costs') }} as costs
{{ join_exchange_rates('costs') }}
group by all
