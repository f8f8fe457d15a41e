select source, coalesce(billing_currency, 'without a price') as currency, step, expected_cost, actual_cost, difference, finality, error
from marts.cost_reconciliation
where billing_period = '{period}'
order by currency, source, step
