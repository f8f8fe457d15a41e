"""OpenRouter's words as FOCUS columns.

A record has one amount for all its tokens: it is no token charge, and has no unit price.
"""

from collections.abc import Mapping

from connectors._base import Source
from connectors._sql import quoted

AMOUNTS = "select 'USD' as billing_currency, usage as amount from activity"


def normalize(source: Source) -> Mapping[str, str]:
    """Return the queries of charges and token usage."""
    account = getattr(source.options, "billing_account_id", None) or source.name
    return {"charges": _CHARGES.format(account=quoted(account)), "token_usage": _TOKEN_USAGE}


_CHARGES = """
select
    {account} as billing_account_id,
    {account} as billing_account_name,
    'Account' as billing_account_type,
    'USD' as billing_currency,
    strftime(cast(date as date), '%Y-%m') as x_billing_period,
    billing_period_start(x_billing_period) as billing_period_start,
    billing_period_end(x_billing_period) as billing_period_end,
    cast(cast(date as date) as timestamp) as charge_period_start,
    charge_period_start + interval 1 day as charge_period_end,
    'Usage' as charge_category,
    concat_ws(' ', model, 'by', provider_name) as charge_description,
    'Usage-Based' as charge_frequency,
    money(usage) as billed_cost,
    billed_cost as effective_cost,
    billed_cost as list_cost,
    billed_cost as contracted_cost,
    'USD' as pricing_currency,
    billed_cost as pricing_currency_effective_cost,
    'OpenRouter' as invoice_issuer_name,
    'OpenRouter' as provider_name,
    'OpenRouter' as publisher_name,
    'OpenRouter' as service_provider_name,
    activity.provider_name as host_provider_name,
    'AI and Machine Learning' as service_category,
    'Generative AI' as service_subcategory,
    'OpenRouter API' as service_name,
    model_permaslug as sku_id,
    'Inference' as sku_meter,
    nullif(workspace_id, '') as sub_account_id,
    sub_account_id as sub_account_name,
    if(sub_account_id is null, null, 'Workspace') as sub_account_type,
    -- With the user's own key, the inference is on the bill of the provider behind.
    if(cast(byok_usage_inference as decimal(38, 12)) <> 0, 'byok', 'credits') as x_usage_type,
    model_permaslug as x_model,
    x_file,
    x_row
from activity
order by x_file, x_row
"""

# Cached tokens are among those of the prompt, unless there are more of them: then they were counted
# apart. Reasoning is among the completion.
_TOKEN_USAGE = """
with counted as (
    select
        *,
        cast(prompt_tokens as bigint) as prompt,
        coalesce(cast(cached_tokens as bigint), 0) as cached,
        unnest([
            {token_type: 'uncached_input', quantity: if(cached > prompt, prompt, prompt - cached)},
            {token_type: 'cache_read', quantity: cached},
            {token_type: 'output', quantity: cast(completion_tokens as bigint)}
        ]) as bucket,
        generate_subscripts([1, 2, 3], 1) as bucket_number
    from activity
)

select
    cast(cast(date as date) as timestamp) as usage_period_start,
    usage_period_start + interval 1 day as usage_period_end,
    'OpenRouter' as service_provider_name,
    'chat' as operation_name,
    nullif(workspace_id, '') as sub_account_id,
    model_permaslug as model,
    bucket.token_type as token_type,
    bucket.quantity as quantity,
    if(bucket_number = 1, cast(requests as bigint), null) as requests,
    strftime(cast(date as date), '%Y-%m') as x_billing_period,
    x_file,
    x_row
from counted
where bucket_number = 1 or bucket.quantity <> 0
order by x_file, x_row, bucket_number
"""
