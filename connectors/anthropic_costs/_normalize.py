"""Anthropic's words as FOCUS columns.

A cost has no quantity. What the usage endpoint counted in the same bucket and group is its
quantity, if the two are grouped alike and only one cost is of that group; usage that is grouped
finer is added up. The price of a row is then its cost divided by its quantity, with six decimals,
and list and contracted cost are exactly price × quantity; billed cost is the vendor's.
"""

from collections.abc import Mapping

from connectors._base import Source
from connectors._sql import quoted
from connectors.anthropic_costs._pages import DIMENSIONS, USAGE_COUNTS

# Of the vendor's token type: ours, its count in usage, the meter, direction and cache action.
TOKEN_TYPES = {
    "uncached_input_tokens": (
        "uncached_input", "uncached_input_tokens", "Input Tokens", "Input", "Uncached",
    ),
    "cache_read_input_tokens": (
        "cache_read", "cache_read_input_tokens", "Cache Read Input Tokens", "Input", "Read",
    ),
    "cache_creation.ephemeral_5m_input_tokens": (
        "cache_write_5m", "ephemeral_5m_input_tokens", "Cache Write Input Tokens", "Input",
        "Write",
    ),
    "cache_creation.ephemeral_1h_input_tokens": (
        "cache_write_1h", "ephemeral_1h_input_tokens", "Long Cache Write Input Tokens", "Input",
        "Write",
    ),
    "output_tokens": ("output", "output_tokens", "Output Tokens", "Output", None),
}  # fmt: skip
COST_TYPES = ("tokens", "web_search", "code_execution", "session_usage")

# What a rule may look at to tell customers and workflows apart.
_TAGS = DIMENSIONS[DIMENSIONS.index("product") :]
# Amounts are in cents.
AMOUNTS = "select upper(currency) as billing_currency, amount || 'e-2' as amount from costs"


def normalize(source: Source) -> Mapping[str, str]:
    """Return the queries of charges and token usage."""
    account = getattr(source.options, "billing_account_id", None) or source.name
    return {
        "charges": _CHARGES.format(
            account=quoted(account),
            meters=_meters(),
            counted=_counted(),
            dimensions=", ".join(DIMENSIONS),
            grouped_by=", ".join(f"count({name}) > 0 as by_{name}" for name in DIMENSIONS),
            projected=", ".join(f"if(by_{name}, {name}, null) as {name}" for name in DIMENSIONS),
            comparable=" and ".join(
                f"(not costs_by.by_{name} or usage_by.by_{name})" for name in DIMENSIONS
            ),
            same_group=" and ".join(
                f"typed.{name} is not distinct from used.{name}" for name in DIMENSIONS
            ),
            tags=", ".join(f"{quoted(name)}, {name}" for name in _TAGS),
            amount=_dollars("costs.amount"),
            list_amount=_dollars("costs.list_amount"),
            list_price=_unit_price("list_amount"),
            price=_unit_price("amount"),
        ),
        "token_usage": _TOKEN_USAGE.format(
            counts=", ".join(f"cast({name} as bigint) as {name}" for name in USAGE_COUNTS),
            counted=_counted(),
        ),
    }


def _meters() -> str:
    rows = (
        f"({', '.join('null' if text is None else quoted(text) for text in (name, *said))})"
        for name, said in TOKEN_TYPES.items()
    )
    names = "vendor_type, token_type, count_name, token_meter, token_direction, token_cache_action"
    return f"(values {', '.join(rows)}) as meters({names})"


def _counted() -> str:
    """Return a list of what a usage row counted: tokens by type, and searches."""
    counts = [(said[0], said[1]) for said in TOKEN_TYPES.values()]
    counts.append(("web_search", "web_search_requests"))
    items = (f"{{meter: {quoted(name)}, quantity: {count}}}" for name, count in counts)
    return f"[{', '.join(items)}]"


def _dollars(cents: str) -> str:
    """Return cents as dollars; short texts in 64 bits, which is a thousand times as fast."""
    point = f"strpos({cents} || '.', '.')"
    return (
        f"case when {point} < 10 and length({cents}) - {point} < 9 "
        f"and not contains(lower({cents}), 'e') "
        f"then cast(cast({cents} as decimal(18, 8)) * 0.01::decimal(2, 2) as decimal(38, 12)) "
        f"else money({cents} || 'e-2') end"
    )


def _unit_price(cost: str) -> str:
    """Return cost / quantity, rounded, in whole numbers: a division of decimals is a float's."""
    units = f"cast({cost} * 1000000000000 as hugeint)"
    return (
        f"if({cost} >= 0, try_cast((2 * {units} + quantity_units) // (2 * quantity_units) "
        "as decimal(18, 0)) * 0.000001::decimal(6, 6), null)"
    )


_CHARGES = """
with typed as (
    select
        costs.* exclude (amount, list_amount, token_type),
        {amount} as amount,
        coalesce({list_amount}, {amount}) as list_amount,
        cast(cast(starting_at as timestamptz) as timestamp) as bucket_start,
        cast(cast(ending_at as timestamptz) as timestamp) as bucket_end,
        strftime(bucket_start, '%Y-%m') as billing_month,
        cast(cast(data_refreshed_at as timestamptz) as timestamp) as refreshed_at,
        upper(currency) as billing_currency,
        meters.* exclude (vendor_type),
        coalesce(meters.token_type, cost_type) as meter,
        count(*) over (partition by starting_at, meter, {dimensions}) as costs_of_group
    from costs
    left join {meters} on costs.token_type = meters.vendor_type
),

costs_by as (select {grouped_by} from costs),

usage_by as (select {grouped_by} from usage),

counted as (
    select
        cast(cast(starting_at as timestamptz) as timestamp) as bucket_start,
        unnest({counted}) as counted,
        {projected}
    from usage
    cross join costs_by
    where (select {comparable} from costs_by cross join usage_by)
),

used as (
    select
        bucket_start,
        counted.meter as meter,
        {dimensions},
        cast(sum(cast(counted.quantity as decimal(18, 0))) as decimal(18, 0)) as quantity
    from counted
    group by all
),

measured as (
    select
        typed.*,
        workspaces.name as workspace_name,
        if(typed.meter = 'web_search', 'Requests', 'Tokens') as unit,
        if(typed.meter = 'web_search', '1000 Requests', '1000000 Tokens') as priced_unit,
        if(typed.meter = 'web_search', 0.001000, 0.000001) as per_unit,
        cast(used.quantity * per_unit as decimal(20, 6)) as priced,
        cast(priced * 1000000 as hugeint) as quantity_units,
        quantity_units > 0 and costs_of_group = 1 and {list_price} is not null
            and {price} is not null as is_priced,
        if(is_priced, used.quantity, null) as quantity
    from typed
    left join used
        on typed.bucket_start = used.bucket_start and typed.meter = used.meter and {same_group}
    left join workspaces on typed.workspace_id = workspaces.id
),

priced as (
    select
        * exclude (priced),
        if(is_priced, priced, null) as priced,
        if(is_priced, {list_price}, null) as list_unit_price,
        if(is_priced, {price}, null) as unit_price,
        coalesce(cast(list_unit_price as decimal(18, 6)) * priced, list_amount) as list_cost,
        coalesce(cast(unit_price as decimal(18, 6)) * priced, amount) as contracted_cost,
        coalesce(token_meter, upper(cost_type[1]) || replace(cost_type[2:], '_', ' '))
            as meter_name,
        trim(regexp_replace(lower(concat_ws(
            ' ', model, meter_name, nullif(service_tier, 'standard'), nullif(speed, 'standard'),
            nullif(context_window, '0-200k'),
            if(inference_geo in ('global', 'not_available'), null, inference_geo)
        )), '[^a-z0-9.]+', '-', 'g'), '-') as sku
    from measured
)

select
    {account} as billing_account_id,
    {account} as billing_account_name,
    'Organization' as billing_account_type,
    billing_currency,
    billing_period_start(billing_month) as billing_period_start,
    billing_period_end(billing_month) as billing_period_end,
    bucket_start as charge_period_start,
    bucket_end as charge_period_end,
    'Usage' as charge_category,
    coalesce(
        description, nullif(concat_ws(' ', model, meter_name), ''), 'All cost types together'
    ) as charge_description,
    'Usage-Based' as charge_frequency,
    amount as billed_cost,
    amount as effective_cost,
    list_cost,
    contracted_cost,
    list_unit_price,
    unit_price as contracted_unit_price,
    if(is_priced, 'Standard', null) as pricing_category,
    billing_currency as pricing_currency,
    amount as pricing_currency_effective_cost,
    list_unit_price as pricing_currency_list_unit_price,
    unit_price as pricing_currency_contracted_unit_price,
    priced as pricing_quantity,
    if(is_priced, priced_unit, null) as pricing_unit,
    quantity as consumed_quantity,
    if(is_priced, unit, null) as consumed_unit,
    'Anthropic' as invoice_issuer_name,
    'Anthropic' as provider_name,
    'Anthropic' as publisher_name,
    'Anthropic' as service_provider_name,
    'Anthropic' as host_provider_name,
    'AI and Machine Learning' as service_category,
    'Generative AI' as service_subcategory,
    'Claude API' as service_name,
    nullif(sku, '') as sku_id,
    if(sku = '', null, meter_name) as sku_meter,
    if(is_priced, sku || '-' || lower(billing_currency), null) as sku_price_id,
    if(is_priced, json_merge_patch('{{}}', json_object(
        'x_ModelDeveloper', if(model is null, null, 'Anthropic'),
        'x_ModelId', model,
        'x_TokenDirection', token_direction,
        'x_TokenCacheAction', token_cache_action,
        'x_ServiceTier', service_tier,
        'x_Speed', speed,
        'x_ContextWindow', context_window,
        'x_InferenceGeo', inference_geo
    )), null) as sku_price_details,
    workspace_id as sub_account_id,
    coalesce(workspace_name, workspace_id) as sub_account_name,
    if(workspace_id is null, null, 'Workspace') as sub_account_type,
    nullif(json_merge_patch('{{}}', json_object({tags})), '{{}}') as tags,
    billing_month as x_billing_period,
    if(token_type is null, null, 'tokens') as x_charge_kind,
    cost_type as x_line_item_type,
    sku as x_usage_type,
    model as x_model,
    token_type as x_token_type,
    service_tier as x_service_tier,
    api_key_id as x_api_key_id,
    case
        when bucket_end <= refreshed_at then 'final'
        when bucket_end > refreshed_at then 'provisional'
    end as x_finality,
    x_file,
    x_row
from priced
order by x_file, x_row
"""

# The requests stand on one row of each result, so that they can be summed. Without a model and
# without tokens, what was counted is code that ran.
_TOKEN_USAGE = """
with typed as (
    select
        x_file, x_row, workspace_id, api_key_id, model, service_tier,
        {counts},
        cast(cast(starting_at as timestamptz) as timestamp) as bucket_start,
        cast(cast(ending_at as timestamptz) as timestamp) as bucket_end
    from usage
),

counted as (
    select
        *,
        unnest({counted}) as counted,
        generate_subscripts({counted}, 1) as counted_number
    from typed
)

select
    bucket_start as usage_period_start,
    bucket_end as usage_period_end,
    'Anthropic' as service_provider_name,
    'chat' as operation_name,
    workspace_id as sub_account_id,
    api_key_id,
    model,
    service_tier,
    counted.meter as token_type,
    coalesce(counted.quantity, 0) as quantity,
    if(counted_number = 1, requests, null) as requests,
    strftime(bucket_start, '%Y-%m') as x_billing_period,
    x_file,
    x_row
from counted
where
    counted.meter <> 'web_search'
    and (counted.quantity <> 0 or (counted_number = 1 and model is not null))
order by x_file, x_row, counted_number
"""
