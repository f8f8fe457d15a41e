"""Costed lines as FOCUS columns."""

from connectors._azure._costs import COSTED, braced, names
from connectors._azure._services import FAMILIES, GPUS, REGIONS, RESOURCE_TYPES, SERVICES

_CATEGORIES = names({name: category for name, (category, _) in SERVICES.items()})
_SUBCATEGORIES = names({name: subcategory for name, (_, subcategory) in SERVICES.items()})

# Tags that are no JSON are kept as they are: a bill does not wait for them.
_TAGS = f"""
        case
            when coalesce(trim(tags), '') in ('', '{{}}') then null
            else coalesce(
                to_json(try_cast(cast({braced("tags")} as json) as map(varchar, varchar))),
                json_object('x_unparsed', tags)
            )
        end
"""

_SKU_PRICE_DETAILS = """
        case when is_priced then
            -- Patching an empty object drops what is null.
            nullif(json_merge_patch('{}', json_object(
                'InstanceType', info ->> '$.ServiceType',
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
                'x_DeploymentType',
                    if(x_token_type is null and not is_provisioned, null, deployment),
                'x_ServiceTier', tier
            )), '{}')
        end
"""

MACHINE_KINDS = "/providers/microsoft.compute/virtualmachine"

# A machine of a scale set: the bill's resource is the set, the machine is name_3.
_MACHINE = "regexp_extract(info ->> '$.VMName', '_([0-9]+)$', 1)"

_CHARGES = f"""
{COSTED}
    select
        -- Who pays, for which period. Under an MCA every billing profile has invoices of its own.
        coalesce(raw_account <> billing_profile_id, false) as is_profile,
        case
            when raw_account is null then '/subscriptions/' || subscription_id
            else '/providers/Microsoft.Billing/billingAccounts/' || raw_account
                || if(is_profile, '/billingProfiles/' || billing_profile_id, '')
        end as billing_account_id,
        coalesce(
            if(is_profile, billing_profile_name, raw_account_name),
            raw_account,
            subscription_name,
            subscription_id
        ) as billing_account_name,
        case
            when is_profile then 'Billing Profile'
            when raw_account is not null then 'Billing Account'
            else 'Subscription'
        end as billing_account_type,
        '/subscriptions/' || subscription_id as sub_account_id,
        if(subscription_id is null, null, coalesce(subscription_name, subscription_id))
            as sub_account_name,
        if(subscription_id is null, null, 'Subscription') as sub_account_type,
        upper(billing_currency) as billing_currency,
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
            when frequency = 'OneTime' then 'One-Time'
            when frequency is null and category <> 'Usage' then 'One-Time'
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
            when has_commitment and category = 'Usage' then coalesce(public_cost, effective)
            else coalesce(public_cost, amount)
        end as list_cost,
        case
            when is_unused then 0
            when has_commitment and category = 'Usage' then coalesce(agreed_cost, effective)
            else coalesce(agreed_cost, amount)
        end as contracted_cost,
        if(is_priced, public, null) as list_unit_price,
        if(is_priced, agreed, null) as contracted_unit_price,
        case
            when not is_priced then null
            when pricing_model = 'Spot' then 'Dynamic'
            when has_commitment and category = 'Usage' then 'Committed'
            else 'Standard'
        end as pricing_category,
        coalesce(pricing_currency, upper(billing_currency)) as pricing_currency,
        case
            when pricing_currency is null or pricing_currency = billing_currency then effective
            when is_commitment_fee and effective = 0 then 0
            else money(cost_in_pricing_currency)
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
        if(consumed_quantity is null, null, if(x_token_type is not null, 'Tokens', unit))
            as consumed_unit,

        -- Commitments and reservations.
        case when has_commitment then lower(regexp_replace(coalesce(
            benefit_id,
            '/providers/Microsoft.Capacity/reservationOrders/' || product_order_id
                || '/reservations/' || reservation_id,
            reservation_id,
            product_order_id
        ), '/reservations/$', '')) end as commitment_discount_id,
        if(commitment_discount_id is null, null, coalesce(benefit_name, reservation_name))
            as commitment_discount_name,
        commitment_discount_id like '%/microsoft.billingbenefits/%'
            or pricing_model = 'SavingsPlan' or charge_type = 'UnusedSavingsPlan' as is_plan,
        case
            when commitment_discount_id is null then null
            when is_plan then 'Spend'
            else 'Usage'
        end as commitment_discount_category,
        case
            when commitment_discount_id is null then null
            when is_plan then 'Savings Plan'
            else 'Reservation'
        end as commitment_discount_type,
        case
            when commitment_discount_id is null or category <> 'Usage' then null
            when is_unused then 'Unused'
            else 'Used'
        end as commitment_discount_status,
        case
            when commitment_discount_id is null or not is_priced then null
            when is_plan then amount
            else units
        end as commitment_discount_quantity,
        case
            when commitment_discount_quantity is null then null
            when is_plan then upper(billing_currency)
            else unit
        end as commitment_discount_unit,
        info ->> '$.VMCapacityReservationId' as capacity_reservation_id,
        case
            when capacity_reservation_id is null or category <> 'Usage' then null
            when lower(raw_resource) like '%/capacityreservationgroups/%' then 'Unused'
            else 'Used'
        end as capacity_reservation_status,

        -- Where it ran, and on what.
        case
            when is_unused or is_commitment_fee then commitment_discount_id
            when lower(raw_resource) like '%/virtualmachinescalesets/%' and {_MACHINE} <> ''
                and not contains(lower(raw_resource), '/virtualmachines/')
                then raw_resource || '/virtualMachines/' || {_MACHINE}
            else raw_resource
        end as resource_id,
        case
            when resource_id is null or is_unused or is_commitment_fee then null
            when resource_id <> raw_resource then info ->> '$.VMName'
            else raw_resource_name
        end as resource_name,
        nullif(regexp_extract(lower(resource_id), '.*/providers/([^/]+/[^/]+)', 1), '') as kind,
        if(
            resource_id is null, null, coalesce({names(RESOURCE_TYPES)}[kind], kind, 'Resource')
        ) as resource_type,
        nullif(lower(replace(resource_location, ' ', '')), '') as region_id,
        coalesce({names(REGIONS)}[region_id], resource_location) as region_name,
        availability_zone,

        -- Who sells it. What others sell on the Marketplace is invoiced by Microsoft; provider and
        -- issuer must be one string, or FOCUS 1.2 would have nothing billed.
        coalesce(lower(publisher_type) not in ('azure', 'microsoft'), false) as is_marketplace,
        'Microsoft' as invoice_issuer_name,
        'Microsoft' as provider_name,
        if(is_marketplace, coalesce(raw_publisher, 'Azure Marketplace'), 'Microsoft')
            as publisher_name,
        publisher_name as service_provider_name,
        if(is_marketplace, null, 'Microsoft') as host_provider_name,
        coalesce(
            meter_category,
            case
                when is_commitment_fee and is_plan then 'Azure Savings Plan for Compute'
                when is_commitment_fee then 'Azure Reservations'
            end,
            product_name,
            'Azure'
        ) as service_name,
        coalesce(
            {_CATEGORIES}[service_name], {names(FAMILIES)}[service_family], 'Other'
        ) as service_category,
        case
            when x_token_type is not null or is_provisioned then 'Generative AI'
            else coalesce({_SUBCATEGORIES}[service_name], 'Other (' || service_category || ')')
        end as service_subcategory,
        sku as sku_id,
        if(sku is null, null, coalesce(meter_name, product_name, product_order_name, charge_type))
            as sku_meter,
        if(is_priced, sku || coalesce('-' || meter_id, ''), null) as sku_price_id,
        {_SKU_PRICE_DETAILS} as sku_price_details,
        {_TAGS} as tags,

        -- Tokens, and machines to be shared by time. Provisioned throughput is capacity too, of
        -- which the bill says units × hours, not hours.
        x_model,
        x_token_type,
        tier as x_service_tier,
        case
            when x_token_type is not null and category = 'Usage' then 'tokens'
            when is_unused or category <> 'Usage' then null
            when is_provisioned and unit = 'Hours' then 'capacity'
            when meter_category = 'Virtual Machines' and unit = 'Hours'
                and regexp_matches(lower(resource_id), '{MACHINE_KINDS}') then 'capacity'
        end as x_charge_kind,
        if(x_charge_kind = 'capacity' and not is_provisioned, cast(units * 3600000 as bigint), null)
            as x_billed_milliseconds,
        if(
            x_charge_kind = 'capacity', {names(GPUS)}[info ->> '$.ServiceType'], null
        ) as x_gpu_count,
        x_file,
        x_row
    from (
        select
            * exclude (billing_account_id, resource_id, resource_name, publisher_name),
            billing_account_id as raw_account,
            billing_account_name as raw_account_name,
            resource_id as raw_resource,
            resource_name as raw_resource_name,
            publisher_name as raw_publisher
        from costed
    )
"""

# What is computed on the way is no column of the contract.
CHARGES_SQL = f"""
select * exclude (is_profile, is_plan, kind, is_marketplace)
from ({_CHARGES})
"""
