select
    billing_currency as currency,
    period_start as day,
    units as inferences,
    direct_cost_per_unit as direct,
    idle_cost_per_unit as idle,
    scaling_cost_per_unit as scaling,
    shared_cost_per_unit as shared,
    overhead_cost_per_unit as overhead,
    loaded_cost_per_unit as loaded_cost_per_inference,
    coverage
from marts.unit_costs
where
    period_kind = 'day'
    and strftime(period_start, '%Y-%m') = '{period}'
    and entity = 'all'
    and unit = 'inference'
    and units > 0
order by billing_currency, period_start
