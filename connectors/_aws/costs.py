"""Lines of AWS exports and what each of them costs.

**Which column is billed.** A delivery shows private discounts in one of two ways: as rows of their
own (manual discount compatibility), or inside the net_* columns. With discount rows billed is
`line_item_unblended_cost` everywhere, else the net cost where AWS fills it; both would subtract
the discount twice. A bundled discount is in the net costs and a row as well: where net costs are
billed, that row counts its own net cost or nothing. `AMOUNTS` makes the same choice.

**What is left out.** Rows that split a node's cost among its pods are a second view of money that
the node's own row has. Savings Plan negations take back the on-demand cost of covered usage, which
is billed 0 here; what they do not take back, per plan, account and hour, is an Adjustment row.

**Commitments.** Fees are Purchases with an effective cost of 0; covered usage carries what it used
of them, and a fee row brings a second, Unused row with what nobody used.
"""

from collections.abc import Mapping

from connectors._aws.columns import LINE_TYPES, SPLIT_OPERATIONS
from connectors._aws.services import REGIONS, SERVICES, UNITS, as_map
from connectors._aws.tags import TAG_ENTRIES
from connectors._aws.tokens import METER_WORDS, TOKENS
from connectors._aws.words import NOT_TAKEN_BACK, ours, word
from connectors._sql import quoted


def _texts(values: tuple[str, ...]) -> str:
    return ", ".join(quoted(value) for value in values)


def _lookup(fields: tuple[str, ...], table: Mapping[str, tuple[str, ...]]) -> str:
    """Return a map literal of structs: a join would not keep the order of rows."""
    entries = []
    for key, values in table.items():
        struct = (
            f"{name}: {quoted(value)}::{'varchar' if name == 'service_name' else name}"
            for name, value in zip(fields, values, strict=True)
        )
        entries.append(f"{quoted(key)}: {{{', '.join(struct)}}}")
    return f"map {{{', '.join(entries)}}}"


_FOCUS_TYPE = _lookup(("charge_category", "charge_frequency"), LINE_TYPES)
_SERVICE = _lookup(("service_name", "service_category", "service_subcategory"), SERVICES)
_UNIT = as_map(UNITS, "unit")
SPLIT = f"line_item_operation in ({_texts(SPLIT_OPERATIONS)})"


def net(column: str, net_column: str) -> str:
    """Return the SQL of the money of a column that has a net twin."""
    return f"""money(case
                when getvariable('has_net_costs') then coalesce({net_column}, {column})
                else {column}
            end)"""


_UNUSED_UPFRONT = net(
    "reservation_unused_amortized_upfront_fee_for_billing_period",
    "reservation_net_unused_amortized_upfront_fee_for_billing_period",
)
_UNUSED_RECURRING = net("reservation_unused_recurring_fee", "reservation_net_unused_recurring_fee")
_SAVINGS_PLAN_COST = net(
    "savings_plan_savings_plan_effective_cost", "savings_plan_net_savings_plan_effective_cost"
)
_RESERVATION_COST = net("reservation_effective_cost", "reservation_net_effective_cost")

# Functions of one column each: of a Parquet file's dictionary they read each value only once.
_FACTS = f"""
        {_FOCUS_TYPE}[line_item_line_item_type] as focus_type,
        {_SERVICE}[line_item_product_code] as service,
        {as_map(REGIONS, "varchar")}[product_region_code] as product_region_name,
        {_UNIT}[pricing_unit] as focus_unit,
        is_instance_time(line_item_usage_type) as is_instance_time,
        is_sagemaker_time(line_item_usage_type) as is_sagemaker_time
"""

_LINES = f"""
    select
        *,
        moment(bill_billing_period_start_date) as period_start,
        cast(line_item_usage_start_date as timestamp) as usage_start,
        cast(line_item_usage_end_date as timestamp) as usage_end,
        money(case
            when not getvariable('has_net_costs') then line_item_unblended_cost
            when line_item_net_unblended_cost is not null then line_item_net_unblended_cost
            when line_item_line_item_type = 'BundledDiscount' then '0'
            else line_item_unblended_cost
        end) as cost,
        case
            when line_item_line_item_type = 'SavingsPlanRecurringFee'
                then money(savings_plan_total_commitment_to_date)
                    - money(savings_plan_used_commitment)
            when line_item_line_item_type = 'RIFee'
                then coalesce({_UNUSED_UPFRONT}, 0) + coalesce({_UNUSED_RECURRING}, 0)
        end as unused_cost,
        coalesce(
            line_item_line_item_type = 'Refund'
            and line_item_line_item_description like 'Refund for one-time fee for Savings Plan%',
            false
        ) as is_refund_of_upfront_fee,
        case
            when line_item_line_item_type like 'SavingsPlan%' or is_refund_of_upfront_fee
                then savings_plan_savings_plan_a_r_n
            when line_item_line_item_type in ('DiscountedUsage', 'RIFee', 'Fee')
                then reservation_reservation_a_r_n
        end as commitment_id,
        coalesce(bill_billing_entity = 'AWS Marketplace', false) as is_marketplace,
        cast(product as map(varchar, varchar)) as product_attributes,
        money(line_item_usage_amount) as usage_amount,
        money(pricing_public_on_demand_cost) as on_demand_cost,
        {_FACTS},
        rate(pricing_public_on_demand_rate) as list_rate,
        rate(line_item_unblended_rate) as contracted_rate,
        {TAG_ENTRIES}
    from raw
    where not coalesce({SPLIT}, false)
"""

# The unused part of a fee follows its fee: unnesting keeps the order of rows, a union need not.
_ENTRIES = f"""
    select
        *,
        unnest(if(unused_cost > 0, ['billed', 'unused'], ['billed'])) as part
    from line
    where line_item_line_item_type is distinct from 'SavingsPlanNegation'
    union all by name
    (select
        'not taken back' as part,
        'SavingsPlanNegation' as line_item_line_item_type,
        {_FOCUS_TYPE}['SavingsPlanNegation'] as focus_type,
        {_SERVICE}[min(line_item_product_code)] as service,
        {quoted(NOT_TAKEN_BACK)} as line_item_line_item_description,
        min((x_file, x_row)) as first_row,
        first_row[1] as x_file,
        first_row[2] as x_row,
        sum(cost) as cost,
        savings_plan_savings_plan_a_r_n,
        savings_plan_savings_plan_a_r_n as commitment_id,
        min(line_item_product_code) as line_item_product_code,
        bill_payer_account_id,
        min(bill_payer_account_name) as bill_payer_account_name,
        line_item_usage_account_id,
        min(line_item_usage_account_name) as line_item_usage_account_name,
        line_item_currency_code,
        bill_invoicing_entity,
        bill_invoice_id,
        is_marketplace,
        is_refund_of_upfront_fee,
        period_start,
        usage_start,
        usage_end
    from line
    where line_item_line_item_type in ('SavingsPlanCoveredUsage', 'SavingsPlanNegation')
    group by all
    having sum(cost) <> 0
    order by x_file, x_row)
"""

_ROLES = f"""
    select
        *,
        part = 'billed'
            and line_item_line_item_type in ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage')
            as is_usage,
        line_item_line_item_type in ('SavingsPlanUpfrontFee', 'SavingsPlanRecurringFee', 'RIFee')
            or (line_item_line_item_type = 'Fee' and commitment_id is not null)
            or is_refund_of_upfront_fee as is_commitment_fee,
        {METER_WORDS} as meter_words
    from entry
"""

_SOLD = f"""
    select
        *,
        {TOKENS} as tokens
    from role
"""

_COSTED = f"""
    select
        *,
        coalesce(
            tokens.model is not null and tokens.type is not null and tokens.a_unit is not null,
            false
        ) as is_tokens,
        case
            when part = 'unused' or line_item_line_item_type = 'SavingsPlanCoveredUsage' then 0
            else cost
        end as billed,
        case
            when part = 'unused' then unused_cost
            when line_item_line_item_type = 'SavingsPlanCoveredUsage'
                then {_SAVINGS_PLAN_COST}
            when line_item_line_item_type = 'DiscountedUsage'
                then {_RESERVATION_COST}
            when is_commitment_fee then 0
            else cost
        end as effective,
        -- The price agreed for the usage itself, before any commitment.
        case
            when part = 'unused' then 0
            when line_item_line_item_type = 'DiscountedUsage'
                then coalesce(on_demand_cost, cost)
            else cost
        end as contracted,
        case
            when is_usage then coalesce(on_demand_cost, contracted)
            else contracted
        end as listed,
        -- A rate code starts with its SKU. Tokens are counted only with a price that is known.
        case
            when focus_type['charge_category']
                not in ({ours("charge_category", "Tax")}, {ours("charge_category", "Credit")})
                then coalesce(
                    product_sku,
                    nullif(split_part(pricing_rate_code, '.', 1), ''),
                    case when is_tokens then line_item_usage_type end
                )
        end as sku_id,
        case
            when sku_id is not null
                and (
                    is_usage
                    or (
                        part = 'billed'
                        and focus_type['charge_category'] = {ours("charge_category", "Purchase")}
                    )
                )
                then coalesce(
                    pricing_rate_code, pricing_rate_id, case when is_tokens then sku_id end
                )
        end as sku_price_id,
        coalesce(pricing_currency = line_item_currency_code, true) as is_priced_as_billed,
        -- Tokens are priced by the million, however AWS counts them.
        case
            when is_tokens
                then cast(usage_amount * tokens.a_unit * 0.000001 as decimal(38, 12))
            else usage_amount
        end as quantity,
        case when is_tokens then 1000000 // tokens.a_unit else 1 end as units_a_priced_unit,
        case
            when is_tokens then {ours("unit", "1000000 Tokens")}
            else coalesce(focus_unit, {word("unit", "pricing_unit")}, {ours("unit", "Units")})
        end as unit
    from sold
"""

COSTED = f"""
with line as not materialized ({_LINES}),
entry as not materialized ({_ENTRIES}),
role as not materialized ({_ROLES}),
sold as not materialized ({_SOLD}),
costed as not materialized ({_COSTED})
"""

# One row a delivered row: what the delivery itself adds up to.
AMOUNTS = f"""
    select
        line_item_currency_code as billing_currency,
        case
            when {SPLIT} then '0'
            when not getvariable('has_net_costs') then line_item_unblended_cost
            when line_item_net_unblended_cost is not null then line_item_net_unblended_cost
            when line_item_line_item_type = 'BundledDiscount' then '0'
            else line_item_unblended_cost
        end as amount
    from raw
"""
