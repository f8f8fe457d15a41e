-- More traced than billed is flagged: the traced share what was billed.
{{ config(materialized='view') }}
with lines as (
    {%- for token_type in token_types() %}
    select
        token_line_id, source, billing_period, billing_currency, charge_date, service_provider_name,
        sub_account_id, api_key_id, service_tier, model,
        '{{ token_type }}' as token_type,
        {{ token_type }}_group_id as charge_group_id,
        {{ token_type }}_amount as effective_cost,
        {{ token_type }}_quantity as billed_tokens
    from {{ ref('int_token_lines') }}
    where {{ token_type }}_group_id is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

traced as (
    {%- for token_type in token_types() %}
    select
        token_line_id,
        '{{ token_type }}' as token_type,
        sum({{ token_type }}_tokens)::decimal(38, 12) as traced_tokens,
        sum({{ token_type }}_cost)::decimal(38, 12) as direct_cost
    from {{ ref('attempt_costs') }}
    where token_line_id is not null
    group by token_line_id
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    lines.token_line_id,
    lines.token_type,
    lines.charge_group_id,
    lines.source,
    lines.billing_period,
    lines.billing_currency,
    lines.charge_date,
    lines.service_provider_name,
    lines.sub_account_id,
    lines.api_key_id,
    lines.service_tier,
    lines.model,
    lines.billed_tokens::decimal(38, 12) as billed_tokens,
    coalesce(traced.traced_tokens, 0)::decimal(38, 12) as traced_tokens,
    coalesce(traced.traced_tokens > lines.billed_tokens, false) as is_over_traced,
    (traced.traced_tokens / nullif(lines.billed_tokens, 0))::decimal(18, 6) as traced_ratio,
    lines.effective_cost::decimal(38, 12) as effective_cost,
    coalesce(traced.direct_cost, 0)::decimal(38, 12) as direct_cost,
    (lines.effective_cost - coalesce(traced.direct_cost, 0))::decimal(38, 12) as unmatched_cost
from lines
left join traced on lines.token_line_id = traced.token_line_id and lines.token_type = traced.token_type
