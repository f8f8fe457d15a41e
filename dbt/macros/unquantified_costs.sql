{# CTEs that end with `unquantified_costs`: the token costs of attempts on lines of the bill that state
   no quantity, or one for all tokens together. One row an attempt, a column a token bucket.
   Reads the CTEs lines, attempts (with label, tier) and matched (a row a tuple and its line). Where all
   lines state their quantities, as most do, nothing here has rows. #}
{% macro unquantified_costs(tuple) -%}
unquantified as materialized (
    {% for token_type in token_types() -%}
    select
        token_line_id, billing_currency, '{{ token_type }}' as billed_as,
        {{ token_type }}_amount as amount, {{ token_type }}_quantity as quantity,
        {{ token_type }}_rounding as rounding
    from lines
    where {{ token_type }}_amount is not null and {{ token_type }}_quantity is null
    union all
    {% endfor -%}
    select token_line_id, billing_currency, 'joint', joint_amount, joint_quantity, joint_rounding
    from lines
    where is_joint and joint_amount is not null
),

unquantified_attempts as (
    select
        attempts.attempt_id,
        matched.token_line_id,
        {{ charge_date() }} as charge_date,
        attempts.provider_name,
        attempts.label,
        attempts.label as listed_label,
        attempts.tier as service_tier,
        {% for token_type in token_types() -%}
        attempts.{{ token_type }}_tokens,
        {% endfor -%}
        attempts.reasoning_tokens,
        {{ priced_minute() }} as minute,
        {{ prompt_tokens() }} as input_tokens
    from attempts
    inner join matched
        on {% for column in tuple -%}
            attempts.{{ column }} is not distinct from matched.{{ column }}{{ ' and ' if not loop.last }}
        {%- endfor %}
    where
        matched.token_line_id in (select unquantified.token_line_id from unquantified)
        and cast(attempts.ended_at as date) = {{ charge_date() }}
),

unquantified_metered as (
    {{ metered_attempts('unquantified_attempts') }}
),

unquantified_buckets as (
    {% for token_type in token_types() -%}
    select
        attempt_id,
        token_line_id,
        '{{ token_type }}' as token_type,
        price_currency,
        {{ token_type }}_tokens as tokens,
        {{ bucket_estimate(token_type) }} as estimate,
        {{ 'requests_price' if token_type == 'output' else 'null' }} as fee
    from unquantified_metered
    where {{ token_type }}_tokens is not null
    {{ 'union all' if not loop.last }}
    {% endfor -%}
),

-- Weights are tokens where the bill counts them, else estimates in the bill's own currency.
unquantified_members as (
    select
        buckets.token_line_id,
        lines.billed_as,
        buckets.attempt_id,
        buckets.token_type,
        lines.amount,
        lines.quantity,
        lines.rounding,
        case
            when lines.quantity is not null then buckets.tokens
            when buckets.price_currency <> lines.billing_currency then null
            when lines.billed_as = 'joint' then buckets.estimate + coalesce(buckets.fee, 0)
            else buckets.estimate
        end as weight
    from unquantified_buckets as buckets
    inner join unquantified as lines
        on
            buckets.token_line_id = lines.token_line_id
            and lines.billed_as in (buckets.token_type, 'joint')
),

unquantified_weighted as (
    select
        *,
        sum(weight) over (partition by token_line_id, billed_as) as sum_of_weights,
        {{ pico('amount') }} as amount_pico
    from unquantified_members
    where weight is not null
),

-- As estimated, where that is less than was billed by more than the bill's own printing can explain;
-- else all of what was billed is shared.
unquantified_shared as (
    select
        * exclude (quantity, rounding, sum_of_weights, amount_pico),
        if(quantity is null, sum_of_weights, greatest(sum_of_weights, cast(quantity as hugeint))) as total_weight
    from unquantified_weighted
    where quantity is not null or sum_of_weights + rounding >= amount_pico
),

unquantified_shares as (
    select token_line_id, billed_as, attempt_id, token_type, share
    from ({{ exact_shares('unquantified_shared', 'token_line_id, billed_as', 'attempt_id, token_type') }})
    union all
    select token_line_id, billed_as, attempt_id, token_type, {{ from_pico('weight') }}
    from unquantified_weighted
    where quantity is null and sum_of_weights + rounding < amount_pico
),

unquantified_costs as materialized (
    select
        attempt_id
        {%- for token_type in token_types() %},
        sum(share) filter (where token_type = '{{ token_type }}') as {{ token_type }}_cost
        {%- endfor %}
    from unquantified_shares
    group by attempt_id
)
{%- endmacro %}
