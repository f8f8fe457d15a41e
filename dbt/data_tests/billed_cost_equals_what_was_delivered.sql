-- Per source, period and currency: delivered = normalized + rounding, and billed + amortized - paid = effective.
-- A total that was stated for a period that is not delivered yet stops nobody: the reconciliation shows it.
select *
from {{ ref('cost_reconciliation') }}
where
    step in ('landed', 'normalized', 'effective')
    and difference <> 0
    and (step <> 'landed' or actual_cost is not null)
