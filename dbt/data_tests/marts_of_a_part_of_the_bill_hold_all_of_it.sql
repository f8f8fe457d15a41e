-- Per billing period and currency: what commitments, ways to buy machines, accelerators and traffic cost is
-- what the charges of that kind cost, and the charges are those of the ledger.
with lines as (
    select * from {{ ref('int_charge_lines') }}
),

parts as (
    select 'charges' as part, billing_period, billing_currency, sum(effective_cost) as effective_cost
    from {{ ref('int_charge_groups') }}
    group by all
    union all
    select 'commitments', billing_period, billing_currency, sum(effective_cost)
    from {{ ref('commitments') }}
    group by all
    union all
    select 'purchase kinds', billing_period, billing_currency, sum(effective_cost)
    from {{ ref('purchase_kinds') }}
    group by all
    union all
    select 'accelerators', billing_period, billing_currency, sum(effective_cost)
    from {{ ref('accelerator_costs') }}
    group by all
    union all
    select 'traffic', billing_period, billing_currency, sum(effective_cost)
    from {{ ref('egress_costs') }}
    group by all
    union all
    select 'spot', billing_period, billing_currency, sum(effective_cost)
    from {{ ref('spot_costs') }}
    group by all
),

expected as (
    {%- for part, condition in {
        'charges': 'true',
        'commitments': "commitment_discount_id is not null and commitment_discount_status in ('Used', 'Unused')",
        'purchase kinds': "purchase_kind <> '(none)'",
        'accelerators': "accelerator <> '(none)' and is_machine",
        'traffic': "cost_driver in ('egress_internet', 'egress_cross_region', 'egress_cross_zone', 'cdn')",
        'spot': "purchase_kind = 'spot'"
    }.items() %}
    select '{{ part }}' as part, billing_period, billing_currency, sum(effective_cost) as effective_cost
    from lines
    where {{ condition }}
    group by all
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    coalesce(parts.part, expected.part) as part,
    coalesce(parts.billing_period, expected.billing_period) as billing_period,
    parts.effective_cost,
    expected.effective_cost as expected_cost
from parts
full join expected
    on
        parts.part = expected.part
        and parts.billing_period = expected.billing_period
        and parts.billing_currency = expected.billing_currency
where coalesce(parts.effective_cost, 0) <> coalesce(expected.effective_cost, 0)
