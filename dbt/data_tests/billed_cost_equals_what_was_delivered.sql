-- Per source, period and currency: delivered = normalized + rounding, and billed + amortized - paid = effective.
select *
from {{ ref('cost_reconciliation') }}
where step in ('landed', 'normalized', 'effective') and difference <> 0
