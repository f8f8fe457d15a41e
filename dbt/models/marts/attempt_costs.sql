-- Direct cost of each attempt. An attempt of an API pays B × T / Q of each of its token lines;
-- what the bill has beyond the traced tokens stays unmatched. An attempt on our own GPUs has its
-- share of their busy time.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(materialized='daily_parquet') }}
with attempts as (
    {{ attempts_of_day() }}
),

lines as (
    select *
    from {{ ref('int_token_lines') }}
    where charge_date = {{ charge_date() }}
),

-- A dimension that the bill does not carry on this day does not tell attempts apart either.
carried as (
    select
        coalesce(bool_or(sub_account_id is not null), false) as sub_account_id,
        coalesce(bool_or(api_key_id is not null), false) as api_key_id
    from lines
),

matched as (
    select
        attempts.* exclude (model, service_tier, x_delivery_id, x_file, x_row),
        coalesce(lines.rule.set_model, attempts.model) as model,
        lines.token_line_id,
        lines.rule,
        lines.billing_currency
    from attempts
    cross join carried
    left join {{ ref('provider_names') }} as providers on attempts.provider_name = providers.provider_name
    left join lines
        on
            attempts.model = lines.model
            and coalesce(lines.service_provider_name = providers.service_provider_name, true)
            and if(carried.sub_account_id, attempts.sub_account_id, null) is not distinct from lines.sub_account_id
            and if(carried.api_key_id, attempts.api_key_id, null) is not distinct from lines.api_key_id
            and {{ service_tier('attempts.service_tier') }} = lines.service_tier
            and attempts.ended_at >= lines.charge_period_start
            and attempts.ended_at < lines.charge_period_end
            and attempts.pod_uid is null
            and attempts.status <> 'rejected'
            {%- for entity in entities() if entity != 'model' %}
            and coalesce(attempts.{{ entity }} = lines.rule.set_{{ entity }}, true)
            {%- endfor %}
),

traced as (
    select
        token_line_id
        {%- for token_type in token_types() %},
        coalesce(sum({{ token_type }}_tokens), 0)::bigint as {{ token_type }}_traced,
        max({{ token_type }}_tokens) as {{ token_type }}_most
        {%- endfor %}
    from matched
    where token_line_id is not null
    group by token_line_id
),

-- More traced than billed: the traced share what was billed, and are flagged.
weighted as (
    select
        lines.token_line_id,
        lines.billing_currency
        {%- for token_type in token_types() %},
        lines.{{ token_type }}_amount,
        {{ nano('lines.' ~ token_type ~ '_amount') }} as {{ token_type }}_units,
        traced.{{ token_type }}_most,
        traced.{{ token_type }}_traced >= lines.{{ token_type }}_quantity as {{ token_type }}_complete,
        nullif(
            greatest(lines.{{ token_type }}_quantity::bigint, traced.{{ token_type }}_traced), 0
        )::double as {{ token_type }}_weight
        {%- endfor %}
    from lines
    inner join traced on lines.token_line_id = traced.token_line_id
),

earned as (
    select
        matched.*
        {%- for token_type in token_types() %},
        {{ floor_share(
            'weighted.' ~ token_type ~ '_units',
            'matched.' ~ token_type ~ '_tokens',
            'weighted.' ~ token_type ~ '_weight'
        ) }} as {{ token_type }}_earned
        {%- endfor %}
    from matched
    left join weighted on matched.token_line_id = weighted.token_line_id
),

-- Where every billed token was traced, the remainder of the rounding goes to the heaviest attempt.
remainders as (
    select
        earned.token_line_id
        {%- for token_type in token_types() %},
        case
            when any_value(weighted.{{ token_type }}_complete)
                then
                    any_value(weighted.{{ token_type }}_amount)
                    - {{ from_nano('coalesce(sum(earned.' ~ token_type ~ '_earned), 0)') }}
        end as {{ token_type }}_remainder,
        min(earned.attempt_id) filter (
            where earned.{{ token_type }}_tokens = weighted.{{ token_type }}_most
        ) as {{ token_type }}_heaviest
        {%- endfor %}
    from earned
    inner join weighted on earned.token_line_id = weighted.token_line_id
    group by earned.token_line_id
),

capacity as (
    select
        shares.attempt_id,
        any_value(charge_groups.billing_currency) as billing_currency,
        sum(shares.effective_cost)::decimal(38, 12) as effective_cost
    from {{ ref('int_capacity_shares') }} as shares
    inner join {{ ref('int_charge_groups') }} as charge_groups
        on shares.charge_group_id = charge_groups.charge_group_id
    where shares.charge_date = {{ charge_date() }} and shares.attempt_id is not null
    group by shares.attempt_id
),

priced as (
    select
        earned.*,
        cast(earned.ended_at as date) = {{ charge_date() }} as is_ended,
        coalesce(earned.billing_currency, capacity.billing_currency) as currency,
        capacity.effective_cost as capacity_cost
        {%- for token_type in token_types() %},
        case when earned.attempt_id = remainders.{{ token_type }}_heaviest
            then
                {{ from_nano('earned.' ~ token_type ~ '_earned') }}
                + coalesce(remainders.{{ token_type }}_remainder, 0)
            else {{ from_nano('earned.' ~ token_type ~ '_earned') }}
        end::decimal(38, 12) as {{ token_type }}_cost
        {%- endfor %}
    from earned
    left join remainders on earned.token_line_id = remainders.token_line_id
    left join capacity on earned.attempt_id = capacity.attempt_id
),

summed as (
    select
        *,
        case
            when coalesce(
                {% for token_type in token_types() %}{{ token_type }}_cost, {% endfor %}capacity_cost
            ) is not null
                then
                    {% for token_type in token_types() %}coalesce({{ token_type }}_cost, 0) + {% endfor %}
                    coalesce(capacity_cost, 0)
        end::decimal(38, 12) as direct_cost
    from priced
    where is_ended or capacity_cost is not null
)

select
    attempt_id,
    {{ charge_date() }} as charge_date,
    inference_id,
    workflow_run_id,
    conversation_id,
    started_at,
    ended_at,
    operation_name,
    provider_name,
    request_model,
    response_model,
    status,
    error_type,
    pod_uid,
    is_ended,
    {% for entity in entities() -%}
    coalesce({% if entity != 'model' %}rule.set_{{ entity }}, {% endif %}{{ entity }}, '(none)') as {{ entity }},
    {% endfor -%}
    {% for token_type in token_types() -%}
    {{ token_type }}_tokens,
    {% endfor -%}
    reasoning_tokens,
    token_line_id,
    currency as billing_currency,
    {% for token_type in token_types() -%}
    {{ token_type }}_cost,
    {% endfor -%}
    capacity_cost,
    direct_cost,
    case
        when direct_cost is not null then null
        when status = 'rejected' then 'rejected before any work: never billed'
        when pod_uid is not null then 'no charge for the resource that it ran on'
        when model is null then 'the span names no model'
        when token_line_id is null then 'no charge for this model, project and key on this day'
        when coalesce(
            {% for token_type in token_types() %}{{ token_type }}_tokens{{ ', ' if not loop.last }}{% endfor %}
        ) is null
            then 'the span carries no token counts'
        else 'the charge states no quantity for these tokens'
    end as unpriced_reason
from summed
