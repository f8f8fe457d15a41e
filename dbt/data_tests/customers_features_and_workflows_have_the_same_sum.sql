-- Per new day and currency: every view of the ledger has its sum.
with sums as (
    select 'ledger' as view_name, charge_date, billing_currency, sum(effective_cost) as effective_cost
    from {{ ref('allocated_costs') }}
    where {{ is_new('charge_date') }}
    group by charge_date, billing_currency
    {%- for name in ['customer', 'feature', 'workflow', 'model'] %}
    union all
    select '{{ name }}', charge_date, billing_currency, sum(effective_cost)
    from {{ ref(name ~ '_costs_daily') }}
    where effective_cost is not null and {{ is_new('charge_date') }}
    group by charge_date, billing_currency
    {%- endfor %}
)

select
    charge_date,
    billing_currency
from sums
group by charge_date, billing_currency
having count(*) <> 5 or min(effective_cost) <> max(effective_cost)
