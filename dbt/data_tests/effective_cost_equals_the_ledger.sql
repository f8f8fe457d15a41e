-- Per source, period and currency: the effective cost of the charges is the sum of the ledger, exactly.
select *
from {{ ref('cost_reconciliation') }}
where step = 'allocated' and difference <> 0
