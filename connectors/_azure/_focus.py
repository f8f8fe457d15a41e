"""Microsoft's own FOCUS exports (1.0, 1.0r2, 1.2-preview): nearly the contract already.

Mended are what Microsoft says is amiss: list and contracted costs of 0 on the Marketplace and under
reservations, effective costs on purchases of savings plans, ids in changing case.
"""

from collections.abc import Sequence
from pathlib import Path

from duckdb import DuckDBPyConnection

from connectors._azure._costs import names
from connectors._azure._focus_columns import FOCUS_COLUMNS
from connectors._azure._focus_costs import FOCUS_COSTED
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

FOCUS_SQL = f"""
{FOCUS_COSTED}
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
