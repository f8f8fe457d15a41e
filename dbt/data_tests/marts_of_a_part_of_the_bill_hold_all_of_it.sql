-- Per billing period and currency: what commitments, ways to buy machines, accelerators and traffic cost is
-- what the charges of that kind cost, and the charges are those of the ledger.
with costs as (
    {%- for mart, condition in {
        'int_charge_groups': 'true',
        'commitments': "commitment_discount_id is not null and commitment_discount_status in ('Used', 'Unused')",
        'purchase_kinds': "purchase_kind <> '(none)'",
        'accelerator_costs': "accelerator <> '(none)' and is_machine",
        'egress_costs': "cost_driver in ('egress_internet', 'egress_cross_region', 'egress_cross_zone', 'cdn')",
        'spot_costs': "purchase_kind = 'spot'"
    }.items() %}
    select '{{ mart }}' as mart, billing_period, billing_currency, effective_cost, 0 as expected_cost
    from {{ ref(mart) }}
    union all
    select '{{ mart }}', billing_period, billing_currency, 0, effective_cost
    from {{ ref('int_charge_lines') }}
    where {{ condition }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    mart,
    billing_period,
    billing_currency,
    sum(effective_cost) as effective_cost,
    sum(expected_cost) as expected_cost
from costs
group by mart, billing_period, billing_currency
having coalesce(sum(effective_cost), 0) <> coalesce(sum(expected_cost), 0)
