"""Lines of a FOCUS export with their gaps mended: costs of 0 beside a price, tokens by thousand."""

from connectors._azure._charges import MACHINE_KINDS
from connectors._azure._costs import braced, steps
from connectors._azure._meters import DEPLOYMENT, IS_PROVISIONED, MODEL, TIER, TOKEN_TYPE, WORDS

# Each step names what it computes, for the next to use.
_PARSED = f"""
    select
        * exclude (billing_currency, pricing_currency),
        upper(billing_currency) as billing_currency,
        coalesce(upper(pricing_currency), upper(billing_currency)) as pricing_currency,
        cast(cast(billing_period_start as timestamptz) as timestamp) as period_start,
        cast(cast(charge_period_start as timestamptz) as timestamp) as started_at,
        cast(cast(charge_period_end as timestamptz) as timestamp) as ended_at,
        sku_meter as meter_name,
        {WORDS.replace("meter_name", "sku_meter")} as words,
        coalesce(try_cast(try_cast(x_pricing_block_size as decimal(38, 6)) as bigint), 1) as block,
        coalesce(
            x_sku_service_family = 'AI + Machine Learning'
            or x_sku_meter_category in ('Cognitive Services', 'Foundry Models', 'Foundry Tools'),
            false
        ) as is_ai,
        {braced("coalesce(x_sku_details, sku_price_details)")} as info,
        {braced("tags")} as tags_object,
        commitment_discount_id is not null and charge_category = 'Purchase' as is_commitment_fee,
        coalesce(commitment_discount_status = 'Unused', false) as is_unused,
        lower(regexp_replace(commitment_discount_id, '/reservations/$', '')) as commitment_id,
        money(billed_cost) as billed,
        money(effective_cost) as stated_effective,
        nullif(cast(list_cost as decimal(38, 12)), 0) as stated_list,
        nullif(cast(contracted_cost as decimal(38, 12)), 0) as stated_contracted,
        nullif(cast(list_unit_price as decimal(38, 12)), 0) as list_price_stated,
        nullif(cast(contracted_unit_price as decimal(38, 12)), 0) as contracted_price_stated,
        cast(pricing_quantity as decimal(38, 12)) as quantity_stated,
        cast(consumed_quantity as decimal(38, 12)) as consumed,
        cast(commitment_discount_quantity as decimal(38, 12)) as commitment_quantity,
        cast(pricing_currency_effective_cost as decimal(38, 12)) as effective_in_pricing_currency,
        cast(pricing_currency_list_unit_price as decimal(38, 12)) as list_in_pricing_currency,
        cast(pricing_currency_contracted_unit_price as decimal(38, 12))
            as contracted_in_pricing_currency
    from focus
"""

_TYPED = f"""
    select
        *,
        if(is_commitment_fee, 0, stated_effective) as effective,
        {TOKEN_TYPE} as x_token_type,
        {DEPLOYMENT} as deployment,
        {IS_PROVISIONED} as is_provisioned,
        coalesce(info ->> '$.ServiceType', info ->> '$.InstanceType') as size,
        coalesce(lower(x_publisher_category) in ('vendor', 'marketplace'), false) as is_marketplace
    from parsed
"""

# Tokens are priced by the million, whatever the meter counts.
_METERED = f"""
    select
        *,
        {MODEL} as x_model,
        {TIER} as tier,
        if(x_token_type is not null and block = 1000, 1000, 1) as factor,
        cast(
            quantity_stated
            * if(x_token_type is not null and block = 1000, 0.001, 1)::decimal(4, 3)
            as decimal(38, 12)
        ) as priced,
        case
            when is_unused or charge_category <> 'Usage' then null
            when x_token_type is not null then 'tokens'
            when is_provisioned then 'capacity'
            when x_sku_meter_category = 'Virtual Machines' and consumed_unit = 'Hours'
                and regexp_matches(lower(resource_id), '{MACHINE_KINDS}') then 'capacity'
        end as x_charge_kind
    from typed
"""

_PRICES = """
    select
        *,
        cast(contracted_price_stated * factor as decimal(38, 12)) as contracted_price,
        cast(coalesce(list_price_stated, contracted_price_stated) * factor as decimal(38, 12))
            as list_price
    from metered
"""

_COSTS = """
    select
        *,
        cast(list_price * priced as decimal(38, 12)) as list_by_price,
        cast(contracted_price * priced as decimal(38, 12)) as contracted_by_price
    from prices
"""

# A cost of 0 where there is a price is a gap; another that is not price × quantity has no price.
_FILLED = """
    select
        *,
        coalesce(
            stated_contracted,
            contracted_by_price,
            if(billed = 0 and effective <> 0 and not is_unused, effective, billed)
        ) as contracted
    from costs
"""

_LISTED = "select *, coalesce(stated_list, list_by_price, contracted) as listed from filled"

_CHECKED = """
    select
        *,
        coalesce(
            sku_price_id is not null and not is_unused and list_price >= 0
            and contracted_price >= 0
            and abs(list_by_price - listed) <= 0.000000001 * greatest(abs(listed), 1)
            and abs(contracted_by_price - contracted)
                <= 0.000000001 * greatest(abs(contracted), 1),
            false
        ) as has_price
    from listed
"""

_STEPS = {
    "parsed": _PARSED,
    "typed": _TYPED,
    "metered": _METERED,
    "prices": _PRICES,
    "costs": _COSTS,
    "filled": _FILLED,
    "listed": _LISTED,
    "checked": _CHECKED,
}

FOCUS_COSTED = steps(_STEPS)
