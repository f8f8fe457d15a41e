"""Costed lines as FOCUS columns."""

from connectors._azure._costs import COSTED, braced, names
from connectors._azure._services import FAMILIES, GPUS, REGIONS, RESOURCE_TYPES, SERVICES

_CATEGORIES = names({name: category for name, (category, _) in SERVICES.items()})
_SUBCATEGORIES = names({name: subcategory for name, (_, subcategory) in SERVICES.items()})
MACHINE_KINDS = "/providers/microsoft.compute/virtualmachine"

# A machine of a scale set: the bill's resource is the set, the machine is name_3.
_IDENTIFIED = f"""
    select
        *,
        coalesce(billing_account_id <> billing_profile_id, false) as is_profile,
        case when has_commitment then lower(regexp_replace(coalesce(
            benefit_id,
            '/providers/Microsoft.Capacity/reservationOrders/' || product_order_id
                || '/reservations/' || reservation_id,
            reservation_id,
            product_order_id
        ), '/reservations/$', '')) end as commitment_id,
        pricing_model = 'SavingsPlan' or charge_type = 'UnusedSavingsPlan'
            or coalesce(lower(benefit_id) like '%/microsoft.billingbenefits/%', false) as is_plan,
        case when lower(resource_id) like '%/virtualmachinescalesets/%'
            and not contains(lower(resource_id), '/virtualmachines/')
            then nullif(regexp_extract(info ->> '$.VMName', '_([0-9]+)$', 1), '')
        end as machine,
        coalesce(lower(publisher_type) not in ('azure', 'microsoft'), false) as is_marketplace,
        {braced("tags")} as tags_object,
        info ->> '$.VMCapacityReservationId' as capacity_id,
        info ->> '$.ServiceType' as size
    from costed
"""

_PLACED = """
    select
        *,
        case
            when is_unused or is_commitment_fee then commitment_id
            when machine is not null then resource_id || '/virtualMachines/' || machine
            else resource_id
        end as place,
        coalesce(
            meter_category,
            case
                when is_commitment_fee and is_plan then 'Azure Savings Plan for Compute'
                when is_commitment_fee then 'Azure Reservations'
            end,
            product_name,
            'Azure'
        ) as service,
        if(is_marketplace, coalesce(publisher_name, 'Azure Marketplace'), 'Microsoft') as seller,
        nullif(lower(replace(resource_location, ' ', '')), '') as region
    from identified
"""

_NAMED = f"""
    select
        *,
        nullif(regexp_extract(lower(place), '.*/providers/([^/]+/[^/]+)', 1), '') as kind,
        coalesce({_CATEGORIES}[service], {names(FAMILIES)}[service_family], 'Other')
            as service_category,
        {_SUBCATEGORIES}[service] as subcategory,
        -- Provisioned throughput is capacity too, of which the bill says units × hours, not hours.
        case
            when category <> 'Usage' or is_unused then null
            when x_token_type is not null then 'tokens'
            when is_provisioned and unit = 'Hours' then 'capacity'
            when meter_category = 'Virtual Machines' and unit = 'Hours'
                and regexp_matches(lower(place), '{MACHINE_KINDS}') then 'capacity'
        end as x_charge_kind
    from placed
"""

# Tags that are no JSON are kept as they are: a bill does not wait for them.
_TAGS = """
        case
            when coalesce(trim(tags), '') in ('', '{}') then null
            else coalesce(
                to_json(try_cast(cast(tags_object as json) as map(varchar, varchar))),
                json_object('x_unparsed', tags)
            )
        end
"""

# Patching an empty object drops what is null.
_SKU_PRICE_DETAILS = """
        case when is_priced then nullif(json_merge_patch('{}', json_object(
            'InstanceType', size,
            'CoreCount', try_cast(info ->> '$.VCPUs' as integer),
            'x_ModelId', x_model,
            'x_TokenDirection', case
                when x_token_type in ('output', 'audio_output') then 'Output'
                when x_token_type is not null then 'Input'
            end,
            'x_TokenCacheAction', case
                when x_token_type = 'cache_read' then 'Read'
                when x_token_type like 'cache_write%' then 'Write'
            end,
            'x_DeploymentType', if(x_token_type is not null or is_provisioned, deployment, null),
            'x_ServiceTier', tier
        )), '{}') end
"""

CHARGES_SQL = f"""
{COSTED},
{
    ", ".join(
        f"{name} as not materialized ({query})"
        for name, query in (("identified", _IDENTIFIED), ("placed", _PLACED), ("named", _NAMED))
    )
}
    select
        -- Who pays, for which period. Under an MCA every billing profile has invoices of its own.
        case
            when named.billing_account_id is null then '/subscriptions/' || subscription_id
            else '/providers/Microsoft.Billing/billingAccounts/' || named.billing_account_id
                || if(is_profile, '/billingProfiles/' || billing_profile_id, '')
        end as billing_account_id,
        coalesce(
            if(is_profile, billing_profile_name, named.billing_account_name),
            named.billing_account_id,
            subscription_name,
            subscription_id
        ) as billing_account_name,
        case
            when is_profile then 'Billing Profile'
            when named.billing_account_id is not null then 'Billing Account'
            else 'Subscription'
        end as billing_account_type,
        '/subscriptions/' || subscription_id as sub_account_id,
        if(subscription_id is null, null, coalesce(subscription_name, subscription_id))
            as sub_account_name,
        if(subscription_id is null, null, 'Subscription') as sub_account_type,
        billing_currency,
        invoice_id,
        date_trunc('month', period_start) as billing_period_start,
        date_trunc('month', period_start) + interval 1 month as billing_period_end,
        strftime(period_start, '%Y-%m') as x_billing_period,
        day as charge_period_start,
        day + interval 1 day as charge_period_end,
        -- An MCA line gets its invoice when the invoice is made; EA lines never say theirs.
        case when states_invoices = 'true' then if(invoice_id is null, 'provisional', 'final') end
            as x_finality,

        -- What it is.
        category as charge_category,
        case
            when charge_type = 'Refund' and (day < period_start or previous_invoice_id is not null)
                then 'Correction'
        end as charge_class,
        if(is_unused, 'Unused part of: ', '')
            || coalesce(product_name, meter_name, product_order_name, charge_type)
            as charge_description,
        case
            when frequency = 'Recurring' then 'Recurring'
            when frequency = 'OneTime' or (frequency is null and category <> 'Usage')
                then 'One-Time'
            else 'Usage-Based'
        end as charge_frequency,
        charge_type as x_line_item_type,
        meter_name as x_usage_type,
        consumed_service as x_operation,

        -- What it costs.
        billed as billed_cost,
        effective as effective_cost,
        case
            when is_unused then 0
            when is_priced then public_cost
            when has_commitment and category = 'Usage' then effective
            else amount
        end as list_cost,
        case
            when is_unused then 0
            when is_priced then agreed_cost
            when has_commitment and category = 'Usage' then effective
            else amount
        end as contracted_cost,
        if(is_priced, public, null) as list_unit_price,
        if(is_priced, agreed, null) as contracted_unit_price,
        case
            when not is_priced then null
            when pricing_model = 'Spot' then 'Dynamic'
            when has_commitment and category = 'Usage' then 'Committed'
            else 'Standard'
        end as pricing_category,
        pricing_currency,
        case
            when pricing_currency = billing_currency or (is_commitment_fee and effective = 0)
                then effective
            else amount_in_pricing_currency
        end as pricing_currency_effective_cost,
        if(is_priced, public_price, null) as pricing_currency_list_unit_price,
        if(is_priced, agreed_price, null) as pricing_currency_contracted_unit_price,
        if(is_priced, priced_quantity, null) as pricing_quantity,
        case
            when not is_priced then null
            when x_token_type is not null then '1000000 Tokens'
            when block > 1 then block || ' ' || unit
            else unit
        end as pricing_unit,
        if(is_priced and category = 'Usage', units, null) as consumed_quantity,
        case
            when not is_priced or category <> 'Usage' then null
            when x_token_type is not null then 'Tokens'
            else unit
        end as consumed_unit,

        -- Commitments and reservations.
        commitment_id as commitment_discount_id,
        if(commitment_id is null, null, coalesce(benefit_name, reservation_name))
            as commitment_discount_name,
        if(commitment_id is null, null, if(is_plan, 'Spend', 'Usage'))
            as commitment_discount_category,
        if(commitment_id is null, null, if(is_plan, 'Savings Plan', 'Reservation'))
            as commitment_discount_type,
        if(commitment_id is null or category <> 'Usage', null, if(is_unused, 'Unused', 'Used'))
            as commitment_discount_status,
        if(commitment_id is null or not is_priced, null, if(is_plan, amount, units))
            as commitment_discount_quantity,
        if(commitment_id is null or not is_priced, null, if(is_plan, billing_currency, unit))
            as commitment_discount_unit,
        capacity_id as capacity_reservation_id,
        case
            when capacity_id is null or category <> 'Usage' then null
            when lower(named.resource_id) like '%/capacityreservationgroups/%' then 'Unused'
            else 'Used'
        end as capacity_reservation_status,

        -- Where it ran, and on what.
        place as resource_id,
        case
            when place is null or is_unused or is_commitment_fee then null
            when machine is not null then info ->> '$.VMName'
            else named.resource_name
        end as resource_name,
        if(place is null, null, coalesce({names(RESOURCE_TYPES)}[kind], kind, 'Resource'))
            as resource_type,
        region as region_id,
        coalesce({names(REGIONS)}[region], resource_location) as region_name,
        availability_zone,

        -- Who sells it. What others sell on the Marketplace is invoiced by Microsoft; provider and
        -- issuer must be one string, or FOCUS 1.2 would have nothing billed.
        'Microsoft' as invoice_issuer_name,
        'Microsoft' as provider_name,
        seller as publisher_name,
        seller as service_provider_name,
        if(is_marketplace, null, 'Microsoft') as host_provider_name,
        service as service_name,
        service_category,
        if(
            x_token_type is not null or is_provisioned,
            'Generative AI',
            coalesce(subcategory, 'Other (' || service_category || ')')
        ) as service_subcategory,
        sku as sku_id,
        if(sku is null, null, coalesce(meter_name, product_name, product_order_name, charge_type))
            as sku_meter,
        if(is_priced, sku || coalesce('-' || meter_id, ''), null) as sku_price_id,
        {_SKU_PRICE_DETAILS} as sku_price_details,
        {_TAGS} as tags,

        -- Tokens, and machines to be shared by time.
        x_model,
        x_token_type,
        tier as x_service_tier,
        x_charge_kind,
        if(x_charge_kind = 'capacity' and not is_provisioned, cast(units * 3600000 as bigint), null)
            as x_billed_milliseconds,
        if(x_charge_kind = 'capacity', {names(GPUS)}[size], null) as x_gpu_count,
        x_file,
        x_row
    from named
"""
