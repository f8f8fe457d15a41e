-- More traced than billed is flagged: the traced share what was billed. Where the bill has one amount
-- for all tokens together, so has this, with token_type 'all'.
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
    where {{ token_type }}_group_id is not null and not is_joint
    union all
    {%- endfor %}
    select
        token_line_id, source, billing_period, billing_currency, charge_date, service_provider_name,
        sub_account_id, api_key_id, service_tier, model, 'all', output_group_id, joint_amount, joint_quantity
    from {{ ref('int_token_lines') }}
    where is_joint
),

sums as (
    select
        charge_date,
        token_line_id
        {%- for token_type in token_types() %},
        sum({{ token_type }}_tokens) as {{ token_type }}_tokens,
        sum({{ token_type }}_cost) as {{ token_type }}_cost
        {%- endfor %}
    from {{ ref('attempt_costs') }}
    where token_line_id is not null
    group by charge_date, token_line_id
),

traced as (
    {%- for token_type in token_types() %}
    select
        charge_date, token_line_id, '{{ token_type }}' as token_type,
        {{ token_type }}_tokens as traced_tokens, {{ token_type }}_cost as direct_cost
    from sums
    union all
    {%- endfor %}
    select
        charge_date, token_line_id, 'all',
        {% for token_type in token_types() -%}
        coalesce({{ token_type }}_tokens, 0){{ ' + ' if not loop.last }}
        {%- endfor %},
        {% for token_type in token_types() %}coalesce({{ token_type }}_cost, 0){{ ' + ' if not loop.last }}{% endfor %}
    from sums
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
left join traced
    on
        lines.charge_date = traced.charge_date
        and lines.token_line_id = traced.token_line_id
        and lines.token_type = traced.token_type
