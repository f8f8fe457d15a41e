"""Microsoft's own FOCUS exports (1.0, 1.0r2, 1.2-preview): nearly the contract already.

Mended are what Microsoft says is amiss: list and contracted costs of 0 on the Marketplace and under
reservations, effective costs on purchases of savings plans, ids in changing case.
"""

from collections.abc import Sequence
from pathlib import Path

from duckdb import DuckDBPyConnection

from connectors._azure._charges import MACHINE_KINDS
from connectors._azure._costs import braced, names
from connectors._azure._meters import DEPLOYMENT, IS_PROVISIONED, MODEL, TIER, TOKEN_TYPE, WORDS
from connectors._azure._read import check_months, dataset_of, read_rows
from connectors._azure._services import GPUS, SERVICES
from connectors._base import InputColumn

FOCUS_COLUMNS = (
    InputColumn("billed_cost", "money", required=True),
    InputColumn("effective_cost", "money", required=True),
    InputColumn("list_cost", "money"),
    InputColumn("contracted_cost", "money"),
    InputColumn("list_unit_price", "money"),
    InputColumn("contracted_unit_price", "money"),
    InputColumn("pricing_currency_effective_cost", "money"),
    InputColumn("pricing_currency_list_unit_price", "money"),
    InputColumn("pricing_currency_contracted_unit_price", "money"),
    InputColumn("pricing_quantity", "quantity"),
    InputColumn("consumed_quantity", "quantity"),
    InputColumn("commitment_discount_quantity", "quantity"),
    InputColumn("x_pricing_block_size", "quantity"),
    InputColumn("billing_account_id", required=True),
    InputColumn("billing_currency", required=True),
    InputColumn("billing_period_start", "time", required=True),
    InputColumn("billing_period_end", "time"),
    InputColumn("charge_period_start", "time", required=True),
    InputColumn("charge_period_end", "time", required=True),
    InputColumn(
        "charge_category",
        required=True,
        allowed=("Usage", "Purchase", "Tax", "Credit", "Adjustment"),
    ),
    InputColumn("charge_class", allowed=("Correction",)),
    InputColumn("charge_frequency", allowed=("Usage-Based", "Recurring", "One-Time")),
    InputColumn(
        "pricing_category",
        allowed=("Standard", "Dynamic", "Committed", "Other", "Commitment-Based"),
    ),
    InputColumn("commitment_discount_status", allowed=("Used", "Unused")),
    InputColumn("capacity_reservation_status", allowed=("Used", "Unused")),
    *(
        InputColumn(name)
        for name in (
            "billing_account_name billing_account_type charge_description consumed_unit "
            "commitment_discount_category commitment_discount_id commitment_discount_name "
            "commitment_discount_type commitment_discount_unit capacity_reservation_id invoice_id "
            "invoice_issuer_name pricing_currency pricing_unit provider_name publisher_name "
            "region_id region_name resource_id resource_name resource_type service_category "
            "service_name service_subcategory sku_id sku_meter sku_price_details sku_price_id "
            "sub_account_id sub_account_name sub_account_type tags x_publisher_category "
            "x_sku_details x_sku_meter_category x_sku_meter_id x_sku_service_family "
            "x_pricing_unit_description x_resource_type"
        ).split()
    ),
)


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

_TYPED = f"""
    select
        * exclude (resource_id, publisher_name, sku_price_id, pricing_currency),
        resource_id as raw_resource,
        publisher_name as raw_publisher,
        sku_price_id as raw_price_id,
        coalesce(pricing_currency, upper(billing_currency)) as pricing_currency,
        sku_meter as meter_name,
        {WORDS} as words,
        coalesce(try_cast(try_cast(x_pricing_block_size as decimal(38, 6)) as bigint), 1) as block,
        coalesce(
            x_sku_service_family = 'AI + Machine Learning'
            or x_sku_meter_category in ('Cognitive Services', 'Foundry Models', 'Foundry Tools'),
            false
        ) as is_ai,
        {braced("coalesce(x_sku_details, sku_price_details)")} as info,
        commitment_discount_id is not null and charge_category = 'Purchase' as is_commitment_fee,
        coalesce(commitment_discount_status = 'Unused', false) as is_unused,
        money(billed_cost) as billed,
        if(is_commitment_fee, 0, money(effective_cost)) as effective
    from focus
"""

_METERED = f"""
    select
        *,
        {TOKEN_TYPE} as x_token_type,
        {MODEL} as x_model,
        {DEPLOYMENT} as deployment,
        {TIER} as tier,
        {IS_PROVISIONED} as is_provisioned,
        -- Tokens are priced by the million, whatever the meter counts.
        x_token_type is not null and block = 1000 as is_by_thousand,
        cast(money(pricing_quantity) * if(is_by_thousand, 0.001, 1) as decimal(38, 12)) as priced,
        if(is_by_thousand, 1000, 1) as factor,
        nullif(money(contracted_unit_price), 0) * factor as contracted_price,
        coalesce(nullif(money(list_unit_price), 0) * factor, contracted_price) as list_price,
        money(cast(cast(list_price as decimal(38, 12)) * priced as varchar)) as list_by_price,
        money(cast(cast(contracted_price as decimal(38, 12)) * priced as varchar))
            as contracted_by_price
    from typed
"""

# A cost of 0 where there is a price is a gap; another that is not price × quantity has no price.
_PRICED = """
    select
        *,
        if(billed = 0 and effective <> 0, effective, billed) as fallback,
        coalesce(nullif(money(contracted_cost), 0), contracted_by_price, fallback) as contracted,
        coalesce(nullif(money(list_cost), 0), list_by_price, contracted) as listed,
        raw_price_id is not null and not is_unused and list_price >= 0 and contracted_price >= 0
            and abs(list_by_price - listed) <= 0.000000001 * greatest(abs(listed), 1)
            and abs(contracted_by_price - contracted)
                <= 0.000000001 * greatest(abs(contracted), 1) as has_price
    from metered
"""

_CHARGES = f"""
    select
        billing_account_id,
        coalesce(billing_account_name, billing_account_id) as billing_account_name,
        coalesce(billing_account_type, 'Billing Account') as billing_account_type,
        sub_account_id,
        if(sub_account_id is null, null, coalesce(sub_account_name, sub_account_id))
            as sub_account_name,
        if(sub_account_id is null, null, coalesce(sub_account_type, 'Subscription'))
            as sub_account_type,
        upper(billing_currency) as billing_currency,
        invoice_id,
        date_trunc('month', cast(cast(focus.billing_period_start as timestamptz) as timestamp))
            as billing_period_start,
        date_trunc('month', cast(cast(focus.billing_period_start as timestamptz) as timestamp))
            + interval 1 month as billing_period_end,
        strftime(
            cast(cast(focus.billing_period_start as timestamptz) as timestamp), '%Y-%m'
        ) as x_billing_period,
        cast(cast(focus.charge_period_start as timestamptz) as timestamp) as charge_period_start,
        cast(cast(focus.charge_period_end as timestamptz) as timestamp) as charge_period_end,
        case
            when invoice_id is not null then 'final'
            when billing_account_type = 'Billing Profile' then 'provisional'
        end as x_finality,
        charge_category,
        charge_class,
        charge_description,
        coalesce(charge_frequency, if(charge_category = 'Usage', 'Usage-Based', 'One-Time'))
            as charge_frequency,
        sku_meter as x_usage_type,
        billed as billed_cost,
        effective as effective_cost,
        if(has_price, list_by_price, listed) as list_cost,
        if(has_price, contracted_by_price, contracted) as contracted_cost,
        if(has_price, list_price, null) as list_unit_price,
        if(has_price, contracted_price, null) as contracted_unit_price,
        case
            when not has_price then null
            when pricing_category = 'Commitment-Based' then 'Committed'
            else coalesce(pricing_category, 'Standard')
        end as pricing_category,
        pricing_currency,
        case
            when is_commitment_fee then 0
            when pricing_currency_effective_cost is not null
                then money(pricing_currency_effective_cost)
            when pricing_currency = upper(billing_currency) then effective
        end as pricing_currency_effective_cost,
        case
            when not has_price then null
            when pricing_currency_list_unit_price is not null
                then money(pricing_currency_list_unit_price) * factor
            when pricing_currency = upper(billing_currency) then list_price
        end as pricing_currency_list_unit_price,
        case
            when not has_price then null
            when pricing_currency_contracted_unit_price is not null
                then money(pricing_currency_contracted_unit_price) * factor
            when pricing_currency = upper(billing_currency) then contracted_price
        end as pricing_currency_contracted_unit_price,
        if(has_price, priced, null) as pricing_quantity,
        case
            when not has_price then null
            when x_token_type is not null then '1000000 Tokens'
            else coalesce(pricing_unit, 'Units')
        end as pricing_unit,
        if(has_price and charge_category = 'Usage', money(consumed_quantity), null)
            as consumed_quantity,
        case
            when not has_price or charge_category <> 'Usage' or focus.consumed_quantity is null
                then null
            when x_token_type is not null then 'Tokens'
            else coalesce(consumed_unit, pricing_unit, 'Units')
        end as consumed_unit,
        lower(regexp_replace(commitment_discount_id, '/reservations/$', ''))
            as commitment_discount_id,
        if(focus.commitment_discount_id is null, null, commitment_discount_name)
            as commitment_discount_name,
        case
            when focus.commitment_discount_id is null then null
            else coalesce(commitment_discount_category, 'Usage')
        end as commitment_discount_category,
        case
            when focus.commitment_discount_id is null then null
            else coalesce(commitment_discount_type, 'Reservation')
        end as commitment_discount_type,
        case
            when focus.commitment_discount_id is null or charge_category <> 'Usage' then null
            else coalesce(commitment_discount_status, 'Used')
        end as commitment_discount_status,
        if(has_price, money(commitment_discount_quantity), null) as commitment_discount_quantity,
        if(
            has_price and focus.commitment_discount_quantity is not null,
            coalesce(commitment_discount_unit, 'Units'), null
        ) as commitment_discount_unit,
        capacity_reservation_id,
        if(capacity_reservation_id is null, null, capacity_reservation_status)
            as capacity_reservation_status,
        if(is_unused or is_commitment_fee, lower(focus.commitment_discount_id), raw_resource)
            as resource_id,
        if(resource_id is null, null, resource_name) as resource_name,
        if(resource_id is null, null, coalesce(resource_type, x_resource_type, 'Resource'))
            as resource_type,
        region_id,
        coalesce(region_name, region_id) as region_name,
        coalesce(lower(x_publisher_category) in ('vendor', 'marketplace'), false) as is_marketplace,
        coalesce(invoice_issuer_name, 'Microsoft') as invoice_issuer_name,
        coalesce(focus.invoice_issuer_name, 'Microsoft') as provider_name,
        if(is_marketplace, coalesce(raw_publisher, 'Azure Marketplace'), 'Microsoft')
            as publisher_name,
        if(is_marketplace, coalesce(raw_publisher, 'Azure Marketplace'), 'Microsoft')
            as service_provider_name,
        if(is_marketplace, null, 'Microsoft') as host_provider_name,
        coalesce(service_name, x_sku_meter_category, 'Azure') as service_name,
        coalesce(service_category, 'Other') as service_category,
        case
            when x_token_type is not null or is_provisioned then 'Generative AI'
            else coalesce(
                service_subcategory,
                {_SUBCATEGORIES}[x_sku_meter_category],
                'Other (' || coalesce(focus.service_category, 'Other') || ')'
            )
        end as service_subcategory,
        if(charge_category in ('Tax', 'Credit'), null, sku_id) as sku_id,
        if(charge_category in ('Tax', 'Credit'), null, sku_meter) as sku_meter,
        if(has_price, raw_price_id, null) as sku_price_id,
        case when has_price then nullif(json_merge_patch('{{}}', json_object(
            'InstanceType', coalesce(info ->> '$.ServiceType', info ->> '$.InstanceType'),
            'x_ModelId', x_model,
            'x_DeploymentType', if(x_token_type is null and not is_provisioned, null, deployment),
            'x_ServiceTier', tier
        )), '{{}}') end as sku_price_details,
        case when coalesce(trim(tags), '') not in ('', '{{}}') then coalesce(
            to_json(try_cast(cast({braced("tags")} as json) as map(varchar, varchar))),
            json_object('x_unparsed', tags)
        ) end as tags,
        x_model,
        x_token_type,
        tier as x_service_tier,
        case
            when is_unused or charge_category <> 'Usage' then null
            when x_token_type is not null then 'tokens'
            when is_provisioned then 'capacity'
            when x_sku_meter_category = 'Virtual Machines' and focus.consumed_unit = 'Hours'
                and regexp_matches(lower(raw_resource), '{MACHINE_KINDS}') then 'capacity'
        end as x_charge_kind,
        if(
            x_charge_kind = 'capacity' and not is_provisioned,
            cast(money(focus.consumed_quantity) * 3600000 as bigint), null
        ) as x_billed_milliseconds,
        if(
            x_charge_kind = 'capacity',
            {names(GPUS)}[coalesce(info ->> '$.ServiceType', info ->> '$.InstanceType')], null
        ) as x_gpu_count,
        x_file,
        x_row
    from priced as focus
"""

FOCUS_SQL = f"""
with typed as not materialized ({_TYPED}),
metered as not materialized ({_METERED}),
priced as not materialized ({_PRICED})
select * exclude (is_marketplace)
from ({_CHARGES})
"""
