"""Costed rows as FOCUS columns."""

from connectors.gcp_billing_export._columns import whole_number
from connectors.gcp_billing_export._costs import COSTED
from connectors.gcp_billing_export._resources import DESCRIBED, TAGS, lookup, system_label
from connectors.gcp_billing_export._services import REGIONS, UNITS


def _in_dollars(value: str) -> str:
    """Return an amount in the currency of Google's price list: a billed dollar cost `fx_rate`."""
    return f"""case
            when fx_rate in (0, 1) or currency = 'USD' then {value}
            else cast(
                cast({value} * 1000000000000 as hugeint) * 1000000000000
                // cast(fx_rate * 1000000000000 as hugeint) as decimal(38, 0)
            ) * 0.000000000001
        end"""


CHARGES_SQL = f"""
{COSTED},
described as not materialized ({DESCRIBED})
    select
        -- Who pays, for which period.
        billing_account_id,
        billing_account_id as billing_account_name,
        'Billing Account' as billing_account_type,
        project_id as sub_account_id,
        case when project_id is not null then coalesce(project_name, project_id) end
            as sub_account_name,
        case when project_id is not null then 'Project' end as sub_account_type,
        currency as billing_currency,
        billing_period_start(billing_month) as billing_period_start,
        billing_period_end(billing_month) as billing_period_end,
        billing_month as x_billing_period,
        usage_start as charge_period_start,
        if(usage_end > usage_start, usage_end, usage_start + interval 1 hour) as charge_period_end,

        -- What it is.
        category as charge_category,
        case
            when (adjustment_info_id is not null or adjustment_info_type is not null)
                and usage_month < billing_month
                then 'Correction'
        end as charge_class,
        case part
            when 'promotion' then coalesce(name, 'Promotion')
            when 'unused' then 'Unused part of: ' || sku_description
            when 'paid' then 'Commitment used by: ' || sku_description
            else coalesce(sku_description, service_description)
        end as charge_description,
        case
            when category = 'Usage' then 'Usage-Based'
            when category = 'Purchase' then 'Recurring'
            else 'One-Time'
        end as charge_frequency,
        coalesce(cost_type, 'regular') as x_line_item_type,
        sku_description as x_usage_type,

        -- What it costs.
        billed as billed_cost,
        effective as effective_cost,
        case
            when is_priced then cast(list_price * quantity as decimal(38, 12))
            when part = 'unused' then 0
            when part = 'charge' and category = 'Usage'
                then coalesce(list_line_cost, contracted_line_cost, billed)
            else billed
        end as list_cost,
        case
            when is_priced then cast(contracted_price * quantity as decimal(38, 12))
            when part = 'unused' then 0
            when part = 'charge' and category = 'Usage'
                then coalesce(contracted_line_cost, billed)
            else billed
        end as contracted_cost,
        if(is_priced, list_price, null) as list_unit_price,
        if(is_priced, contracted_price, null) as contracted_unit_price,
        case
            when not is_priced then null
            when part in ('used', 'covered') then 'Committed'
            when regexp_matches(sku_description, '(?i)\\b(spot|preemptible)\\b') then 'Dynamic'
            else 'Standard'
        end as pricing_category,
        'USD' as pricing_currency,
        {_in_dollars("effective")} as pricing_currency_effective_cost,
        {_in_dollars("list_unit_price")} as pricing_currency_list_unit_price,
        {_in_dollars("contracted_unit_price")} as pricing_currency_contracted_unit_price,
        if(is_priced, quantity, null) as pricing_quantity,
        case
            when not is_priced then null
            when token_type is not null then '1000000 Tokens'
            when block = 1 then coalesce({lookup(UNITS)}[usage_pricing_unit], usage_pricing_unit)
            else block || ' ' || coalesce({lookup(UNITS)}[usage_pricing_unit], usage_pricing_unit)
        end as pricing_unit,
        case
            when not is_priced or category <> 'Usage' then null
            when token_type is not null then cast(quantity * 1000000 as decimal(38, 12))
            when fraction is null then usage_quantity
            when part = 'covered' then cast(usage_quantity * fraction as decimal(38, 12))
            else usage_quantity - cast(usage_quantity * fraction as decimal(38, 12))
        end as consumed_quantity,
        case
            when consumed_quantity is null then null
            when token_type is not null then 'Tokens'
            else coalesce({lookup(UNITS)}[usage_unit], usage_unit, 'Count')
        end as consumed_unit,

        -- Commitments and reservations.
        case when is_commitment then commitment end as commitment_discount_id,
        case
            when not is_commitment then null
            when part in ('used', 'paid') then consumption_model_description
            when part in ('fee', 'unused') then sku_description
        end as commitment_discount_name,
        case
            when not is_commitment then null
            when is_resource_commitment then 'Usage'
            else 'Spend'
        end as commitment_discount_category,
        case
            when not is_commitment then null
            when is_resource_commitment then 'Resource-based CUD'
            else 'Spend-based CUD'
        end as commitment_discount_type,
        case
            when not is_commitment or category <> 'Usage' then null
            when part = 'unused' then 'Unused'
            else 'Used'
        end as commitment_discount_status,
        -- What was used of it; fees and what is left of them have no entry in the price list.
        case
            when part not in ('used', 'covered') or not is_priced or charge_class is not null
                then null
            when is_resource_commitment then quantity
            else effective
        end as commitment_discount_quantity,
        case
            when commitment_discount_quantity is null then null
            when is_resource_commitment then pricing_unit
            else currency
        end as commitment_discount_unit,
        {system_label("reservation_name")} as capacity_reservation_id,
        case
            when capacity_reservation_id is null or category <> 'Usage' then null
            when {system_label("is_unused_reservation")} = 'true' then 'Unused'
            else 'Used'
        end as capacity_reservation_status,

        -- Where it ran, and on what.
        case
            when category in ('Tax', 'Credit', 'Adjustment') then null
            when part in ('fee', 'paid', 'unused') then commitment
            else coalesce(resource_global_name, resource_name)
        end as resource_id,
        case when resource_id = resource_global_name then resource_name end as resource_name,
        case
            when resource_id is null then null
            when resource_id = commitment_discount_id then commitment_discount_type
            else coalesce(
                nullif(regexp_extract(
                    resource_global_name, '^//([a-z]+[.]googleapis[.]com)/.*/([A-Za-z]+)/[^/]+$', 2
                ), ''),
                service_description
            )
        end as resource_type,
        location_region as region_id,
        coalesce({lookup(REGIONS)}[location_region], location_region) as region_name,
        location_zone as availability_zone,

        -- Who sells it. Google invoices what others sell on its Marketplace; provider and issuer
        -- must be one string, or FOCUS 1.2 would have nothing billed.
        'Google Cloud' as invoice_issuer_name,
        'Google Cloud' as provider_name,
        if(is_marketplace, coalesce(seller_name, 'Google Cloud Marketplace'), 'Google Cloud')
            as publisher_name,
        publisher_name as service_provider_name,
        case when not is_marketplace then 'Google Cloud' end as host_provider_name,
        service_description as service_name,
        case
            when service is not null then service[1]
            when token_type is not null then 'AI and Machine Learning'
            when is_support then 'Management and Governance'
            else 'Other'
        end as service_category,
        case
            when service is not null then service[2]
            when token_type is not null then 'Generative AI'
            when is_support then 'Support'
            else 'Other (Other)'
        end as service_subcategory,
        if(category in ('Usage', 'Purchase'), rated_sku, null) as sku_id,
        case
            when category not in ('Usage', 'Purchase') or rated_sku is null then null
            else coalesce(token_meter[1], sku_description)
        end as sku_meter,
        case when is_priced then concat_ws(
            '/',
            rated_sku,
            coalesce({whole_number("price_tier_start_amount")}, 0),
            if(has_commitment_price, consumption_model_id, null)
        ) end as sku_price_id,
        case
            when is_priced and token_type is not null then json_merge_patch('{{}}', json_object(
                'x_ModelId', tokens.model,
                'x_TokenDirection', token_meter[2],
                'x_TokenCacheAction', nullif(token_meter[3], ''),
                'x_ServiceTier', tokens.tier,
                'x_ContextTier', if(tokens.is_long, 'Long', null)
            ))
        end as sku_price_details,
        {TAGS} as tags,

        -- GKE splits the rows of its nodes among namespaces: each part is a row, none is a copy.
        case when namespace is not null then 'gke-cost-allocation' end as allocated_method_id,
        case when namespace is not null and not starts_with(namespace, 'kube:')
            then concat_ws('/', cluster, namespace)
        end as allocated_resource_id,
        allocated_resource_id as allocated_resource_name,

        -- Tokens and machines, for sharing their cost.
        case
            when category <> 'Usage' or part = 'unused' then null
            when token_type is not null then 'tokens'
            when is_machine then 'capacity'
        end as x_charge_kind,
        case when x_charge_kind = 'tokens' then tokens.model end as x_model,
        case when x_charge_kind = 'tokens' then token_type end as x_token_type,
        case when x_charge_kind = 'tokens' then tokens.tier end as x_service_tier,
        case when x_charge_kind = 'capacity' and machine_units > 0 then cast(
            cast(usage_quantity * 1000 as hugeint) // machine_units as bigint
        ) end as x_billed_milliseconds,
        case when x_charge_kind = 'capacity' then machine_gpus end as x_gpu_count,
        x_file,
        x_row
    from (
        select
            *,
            sku_id as rated_sku,
            regexp_matches(sku_description, '^Commitment v[0-9]+:') or (
                part = 'covered' and coalesce(len(list_filter(
                    credits, lambda credit: credit.type = 'COMMITTED_USAGE_DISCOUNT'
                )), 0) > 0
            ) as is_resource_commitment
        from described
    )
"""
