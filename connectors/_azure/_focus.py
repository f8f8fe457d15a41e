"""Microsoft's own FOCUS exports (1.0, 1.0r2, 1.2-preview): nearly the contract already.

Mended are what Microsoft says is amiss: list and contracted costs of 0 on the Marketplace and under
reservations, effective costs on purchases of savings plans, ids in changing case.
"""

from collections.abc import Sequence
from pathlib import Path

from duckdb import DuckDBPyConnection

from connectors._azure._charges import MACHINE_KINDS
from connectors._azure._costs import braced, names, steps
from connectors._azure._focus_columns import FOCUS_COLUMNS
from connectors._azure._meters import DEPLOYMENT, IS_PROVISIONED, MODEL, TIER, TOKEN_TYPE, WORDS
from connectors._azure._read import check_months, dataset_of, read_rows
from connectors._azure._services import GPUS, SERVICES


def read_focus(
    connection: DuckDBPyConnection, folder: Path, files: Sequence[str]
) -> dict[str, str]:
    """Return the query of `focus`: every row of a FOCUS export."""
    delivered = [file for file in sorted(files) if dataset_of(file) == "focus"]
    query = read_rows(connection, folder, delivered, FOCUS_COLUMNS, "focus_rows")
    check_months(connection, query, "billing_period_start")
    return {"focus": query}


FOCUS_AMOUNTS = (
    "select upper(billing_currency) as billing_currency, billed_cost as amount from focus"
)

_SUBCATEGORIES = names({name: subcategory for name, (_, subcategory) in SERVICES.items()})

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

FOCUS_SQL = f"""
{steps(_STEPS)}
    select
        billing_account_id,
        coalesce(checked.billing_account_name, billing_account_id) as billing_account_name,
        coalesce(checked.billing_account_type, 'Billing Account') as billing_account_type,
        sub_account_id,
        if(sub_account_id is null, null, coalesce(checked.sub_account_name, sub_account_id))
            as sub_account_name,
        if(sub_account_id is null, null, coalesce(checked.sub_account_type, 'Subscription'))
            as sub_account_type,
        billing_currency,
        invoice_id,
        date_trunc('month', period_start) as billing_period_start,
        date_trunc('month', period_start) + interval 1 month as billing_period_end,
        strftime(period_start, '%Y-%m') as x_billing_period,
        started_at as charge_period_start,
        ended_at as charge_period_end,
        case
            when invoice_id is not null then 'final'
            when checked.billing_account_type = 'Billing Profile' then 'provisional'
        end as x_finality,
        charge_category,
        charge_class,
        charge_description,
        coalesce(
            checked.charge_frequency, if(charge_category = 'Usage', 'Usage-Based', 'One-Time')
        ) as charge_frequency,
        sku_meter as x_usage_type,
        billed as billed_cost,
        effective as effective_cost,
        if(has_price, list_by_price, listed) as list_cost,
        if(has_price, contracted_by_price, contracted) as contracted_cost,
        if(has_price, list_price, null) as list_unit_price,
        if(has_price, contracted_price, null) as contracted_unit_price,
        case
            when not has_price then null
            when checked.pricing_category = 'Commitment-Based' then 'Committed'
            else coalesce(checked.pricing_category, 'Standard')
        end as pricing_category,
        pricing_currency,
        case
            when is_commitment_fee then 0
            when effective_in_pricing_currency is not null then effective_in_pricing_currency
            when pricing_currency = billing_currency then effective
        end as pricing_currency_effective_cost,
        case
            when not has_price then null
            when list_in_pricing_currency is not null then list_in_pricing_currency * factor
            when pricing_currency = billing_currency then list_price
        end as pricing_currency_list_unit_price,
        case
            when not has_price then null
            when contracted_in_pricing_currency is not null
                then contracted_in_pricing_currency * factor
            when pricing_currency = billing_currency then contracted_price
        end as pricing_currency_contracted_unit_price,
        if(has_price, priced, null) as pricing_quantity,
        case
            when not has_price then null
            when x_token_type is not null then '1000000 Tokens'
            else coalesce(checked.pricing_unit, 'Units')
        end as pricing_unit,
        if(has_price and charge_category = 'Usage', consumed, null) as consumed_quantity,
        case
            when not has_price or charge_category <> 'Usage' or consumed is null then null
            when x_token_type is not null then 'Tokens'
            else coalesce(checked.consumed_unit, checked.pricing_unit, 'Units')
        end as consumed_unit,
        commitment_id as commitment_discount_id,
        if(commitment_id is null, null, checked.commitment_discount_name)
            as commitment_discount_name,
        if(commitment_id is null, null, coalesce(checked.commitment_discount_category, 'Usage'))
            as commitment_discount_category,
        if(commitment_id is null, null, coalesce(checked.commitment_discount_type, 'Reservation'))
            as commitment_discount_type,
        if(
            commitment_id is null or charge_category <> 'Usage',
            null,
            coalesce(checked.commitment_discount_status, 'Used')
        ) as commitment_discount_status,
        if(has_price and commitment_id is not null, commitment_quantity, null)
            as commitment_discount_quantity,
        if(
            has_price and commitment_id is not null and commitment_quantity is not null,
            coalesce(checked.commitment_discount_unit, 'Units'),
            null
        ) as commitment_discount_unit,
        capacity_reservation_id,
        if(capacity_reservation_id is null, null, checked.capacity_reservation_status)
            as capacity_reservation_status,
        if(is_unused or is_commitment_fee, commitment_id, checked.resource_id) as resource_id,
        if(checked.resource_id is null, null, checked.resource_name) as resource_name,
        if(
            checked.resource_id is null and not is_unused and not is_commitment_fee,
            null,
            coalesce(checked.resource_type, x_resource_type, 'Resource')
        ) as resource_type,
        region_id,
        coalesce(checked.region_name, region_id) as region_name,
        coalesce(checked.invoice_issuer_name, 'Microsoft') as invoice_issuer_name,
        coalesce(checked.invoice_issuer_name, 'Microsoft') as provider_name,
        if(is_marketplace, coalesce(checked.publisher_name, 'Azure Marketplace'), 'Microsoft')
            as publisher_name,
        if(is_marketplace, coalesce(checked.publisher_name, 'Azure Marketplace'), 'Microsoft')
            as service_provider_name,
        if(is_marketplace, null, 'Microsoft') as host_provider_name,
        coalesce(checked.service_name, x_sku_meter_category, 'Azure') as service_name,
        coalesce(checked.service_category, 'Other') as service_category,
        case
            when x_token_type is not null or is_provisioned then 'Generative AI'
            else coalesce(
                checked.service_subcategory,
                {_SUBCATEGORIES}[x_sku_meter_category],
                'Other (' || coalesce(checked.service_category, 'Other') || ')'
            )
        end as service_subcategory,
        if(charge_category in ('Tax', 'Credit'), null, sku_id) as sku_id,
        if(charge_category in ('Tax', 'Credit') or sku_id is null, null,
            coalesce(checked.sku_meter, charge_description)) as sku_meter,
        if(has_price, checked.sku_price_id, null) as sku_price_id,
        case when has_price then nullif(json_merge_patch('{{}}', json_object(
            'InstanceType', size,
            'x_ModelId', x_model,
            'x_DeploymentType', if(x_token_type is not null or is_provisioned, deployment, null),
            'x_ServiceTier', tier
        )), '{{}}') end as sku_price_details,
        case when coalesce(trim(checked.tags), '') not in ('', '{{}}') then coalesce(
            to_json(try_cast(cast(tags_object as json) as map(varchar, varchar))),
            json_object('x_unparsed', checked.tags)
        ) end as tags,
        x_model,
        x_token_type,
        tier as x_service_tier,
        x_charge_kind,
        if(
            x_charge_kind = 'capacity' and not is_provisioned,
            cast(consumed * 3600000 as bigint), null
        ) as x_billed_milliseconds,
        if(x_charge_kind = 'capacity', {names(GPUS)}[size], null) as x_gpu_count,
        x_file,
        x_row
    from checked
"""
