"""RunPod's words as FOCUS columns."""

from collections.abc import Mapping

from connectors._base import Source
from connectors._sql import quoted
from connectors.runpod_billing._answers import SERVICES

AMOUNTS = "select 'USD' as billing_currency, amount from records"


def normalize(source: Source) -> Mapping[str, str]:
    """Return the query of charges."""
    account = getattr(source.options, "billing_account_id", None) or source.name
    services = ", ".join(
        f"({', '.join(quoted(text) for text in (endpoint, *names))})"
        for endpoint, names in SERVICES.items()
    )
    return {"charges": _CHARGES.format(account=quoted(account), services=services)}


_CHARGES = """
with typed as (
    select
        * exclude (amount),
        money(amount) as amount,
        -- With an offset or with Z: both are instants.
        cast(cast(time as timestamptz) as timestamp) as started_at,
        cast(cast(end_time as timestamptz) as timestamp) as stated_end,
        cast(cast(time_billed_ms as decimal(38, 12)) as bigint) as milliseconds,
        coalesce(pod_id, endpoint_id, cluster_id, network_volume_id) as resource_id,
        strftime(started_at, '%Y-%m') as billing_month
    from records
),

-- A credit is no resource's; what is taken back from a resource stays usage of it.
measured as (
    select
        typed.*,
        services.*,
        if(amount < 0 and resource_id is null, 'Credit', 'Usage') as charge_category,
        if(charge_category = 'Usage', milliseconds, null) as used,
        -- Hours with six decimals, in whole numbers.
        cast((used::hugeint * 2000000 + 3600000) // 7200000 as bigint) as micro_hours,
        cast(amount * 1000000000000 as hugeint) as cost_units
    from typed
    inner join (values {services})
        as services(service, service_name, resource_type, category, subcategory)
        on typed.endpoint = services.service
),

-- The price of an hour is the cost divided by the hours; list and contracted cost are exactly
-- price x quantity, billed cost is the vendor's.
priced as (
    select
        *,
        cast(micro_hours as decimal(14, 0)) * 0.000001::decimal(6, 6) as hours,
        if(
            micro_hours > 0 and cost_units >= 0,
            try_cast((2 * cost_units + micro_hours) // (2 * micro_hours) as decimal(18, 0))
            * 0.000001::decimal(6, 6),
            null
        ) as unit_price,
        coalesce(cast(unit_price as decimal(18, 6)) * cast(hours as decimal(20, 6)), amount)
            as cost_at_unit_price,
        regexp_replace(
            lower('runpod-' || endpoint || coalesce('-' || gpu_type_id, '')), '[^a-z0-9]+', '-', 'g'
        ) as sku
    from measured
)

select
    {account} as billing_account_id,
    {account} as billing_account_name,
    'Account' as billing_account_type,
    'USD' as billing_currency,
    billing_period_start(billing_month) as billing_period_start,
    billing_period_end(billing_month) as billing_period_end,
    started_at as charge_period_start,
    coalesce(
        stated_end,
        started_at + case bucket_size when 'day' then interval 1 day else interval 1 hour end
    ) as charge_period_end,
    charge_category,
    service_name || coalesce(' ' || resource_id, ' ' || gpu_type_id, '') as charge_description,
    'Usage-Based' as charge_frequency,
    amount as billed_cost,
    amount as effective_cost,
    cost_at_unit_price as list_cost,
    cost_at_unit_price as contracted_cost,
    unit_price as list_unit_price,
    unit_price as contracted_unit_price,
    if(used is null, null, 'Standard') as pricing_category,
    'USD' as pricing_currency,
    amount as pricing_currency_effective_cost,
    unit_price as pricing_currency_list_unit_price,
    unit_price as pricing_currency_contracted_unit_price,
    hours as pricing_quantity,
    if(used is null, null, 'Hours') as pricing_unit,
    cast(used as decimal(24, 0)) * 0.001::decimal(3, 3) as consumed_quantity,
    if(used is null, null, 'Seconds') as consumed_unit,
    'RunPod' as invoice_issuer_name,
    'RunPod' as provider_name,
    'RunPod' as publisher_name,
    'RunPod' as service_provider_name,
    'RunPod' as host_provider_name,
    category as service_category,
    subcategory as service_subcategory,
    service_name,
    sku as sku_id,
    resource_type || ' Hours' as sku_meter,
    if(used is null, null, sku || '-usd') as sku_price_id,
    if(used is null or gpu_type_id is null, null, json_object('x_GpuTypeId', gpu_type_id))
        as sku_price_details,
    resource_id,
    if(resource_id is null, null, resource_type) as resource_type,
    billing_month as x_billing_period,
    if(
        (endpoint = 'pods' and pod_id is not null)
        or (endpoint in ('endpoints', 'serverless') and resource_id is not null),
        'capacity',
        null
    ) as x_charge_kind,
    endpoint as x_usage_type,
    milliseconds as x_billed_milliseconds,
    x_file,
    x_row
from priced
order by x_file, x_row
"""
