-- Direct cost of each attempt. An attempt of an API pays B × T / Q of each of its token lines;
-- what the bill has beyond the traced tokens stays unmatched. Where the bill states no quantity it pays
-- its tokens at the price of the moment, scaled down if all together are more than was billed. An
-- attempt on our own GPUs has its share of their busy time.
-- Lines are looked up for each distinct tuple of what they could match; every attempt then finds its
-- tuple. Three scans of few columns, one of all: nothing wide is kept in memory.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(materialized='daily_parquet', meta={'day_hash': 'attempts_hash', 'grain': 'attempt'}) }}
{%- set owners = entities() | reject('equalto', 'model') | list -%}
{%- set tuple = ['label', 'provider_name', 'tier', 'sub_account', 'api_key', 'is_billable', 'time_slice'] -%}
{%- for owner in owners %}{% do tuple.append('own_' ~ owner) %}{% endfor -%}
with {{ attempts_of_day() }},

lines as (
    select *
    from {{ ref('int_token_lines') }}
    where charge_date = {{ charge_date() }}
),

-- A dimension that the bill does not carry on this day does not tell attempts apart either. A slice
-- is the longest time that no line begins or ends in.
carried as (
    select
        coalesce(bool_or(sub_account_id is not null), false) as sub_account,
        coalesce(bool_or(api_key_id is not null), false) as api_key,
        {% for owner in owners -%}
        coalesce(bool_or({{ line_entity(owner) }} is not null), false) as own_{{ owner }},
        {% endfor -%}
        case
            {% for microseconds in [86400000000, 3600000000, 60000000, 1000000] -%}
            when coalesce(bool_and(
                epoch_us(charge_period_start) % {{ microseconds }} = 0
                and epoch_us(charge_period_end) % {{ microseconds }} = 0
            ), true) then {{ microseconds }}
            {% endfor -%}
            else 1
        end as slice
    from lines
),

named as (
    select
        model,
        bool_or(sub_account_id is not null) as sub_account,
        bool_or(api_key_id is not null) as api_key
    from lines
    group by model
),

attempts as not materialized (
    select
        attempts_of_day.* exclude (service_tier, x_delivery_id, x_file, x_row),
        coalesce(attempts_of_day.response_model, attempts_of_day.request_model) as label,
        {{ service_tier('attempts_of_day.service_tier') }} as tier,
        if(carried.sub_account, attempts_of_day.sub_account_id, null) as sub_account,
        if(carried.api_key, attempts_of_day.api_key_id, null) as api_key,
        attempts_of_day.pod_uid is null and attempts_of_day.status not in ('rejected', 'cached') as is_billable,
        epoch_us(attempts_of_day.ended_at) // carried.slice as time_slice
        {%- for owner in owners %},
        if(carried.own_{{ owner }}, attempts_of_day.{{ owner }}, null) as own_{{ owner }}
        {%- endfor %}
    from attempts_of_day
    cross join carried
),

tuples as (
    select
        {{ tuple | join(', ') }}
        {%- for token_type in token_types() %},
        sum({{ token_type }}_tokens) as {{ token_type }}_tokens,
        max({{ token_type }}_tokens) as {{ token_type }}_most
        {%- endfor %}
    from attempts
    group by all
),

candidates as (
    select
        tuples.*,
        coalesce(lines.rule.set_model, aliases.model, tuples.label) as model,
        {% for owner in owners -%}
        lines.rule.set_{{ owner }} as set_{{ owner }},
        {% endfor -%}
        lines.token_line_id,
        lines.billing_currency,
        -- What telemetry confirms of the entities that a rule or a dimension gives the line, and what it leaves open.
        0
        {%- for owner in owners %}
        + coalesce((tuples.own_{{ owner }} = {{ line_entity(owner) }})::int, 0)
        {%- endfor %} as confirmed,
        0 {%- for owner in owners %} + ({{ line_entity(owner) }} is not null)::int {%- endfor %} - confirmed as assumed,
        0 {%- for token_type in token_types() %} + coalesce(lines.{{ token_type }}_amount, 0) {%- endfor %} as amount,
        {{ id_of([
            'lines.source', 'lines.service_provider_name', 'lines.rule.rule_hash', 'lines.known'
        ]) }} as bill,
        coalesce(named.sub_account and tuples.sub_account is null, false) as lacks_sub_account,
        coalesce(named.api_key and tuples.api_key is null, false) as lacks_api_key
    from tuples
    cross join carried
    left join {{ ref('stg_lake__model_aliases') }} as aliases
        on
            tuples.label = aliases.name
            and coalesce(aliases.valid_from <= cast(make_timestamp(tuples.time_slice * carried.slice) as date), true)
            and coalesce(aliases.valid_to > cast(make_timestamp(tuples.time_slice * carried.slice) as date), true)
    left join {{ ref('provider_names') }} as providers on tuples.provider_name = providers.provider_name
    left join named on coalesce(aliases.model, tuples.label) = named.model
    left join lines
        on
            coalesce(aliases.model, tuples.label) = lines.model
            and coalesce(lines.service_provider_name = providers.service_provider_name, true)
            and tuples.sub_account is not distinct from lines.sub_account_id
            and tuples.api_key is not distinct from lines.api_key_id
            and tuples.tier = lines.service_tier
            and tuples.time_slice >= epoch_us(lines.charge_period_start) // carried.slice
            and tuples.time_slice < epoch_us(lines.charge_period_end) // carried.slice
            and tuples.is_billable
            {%- for owner in owners %}
            and coalesce(tuples.own_{{ owner }} = lines.rule.set_{{ owner }}, true)
            {%- endfor %}
),

-- An attempt is on one line: that whose entities telemetry confirms, or which assumes the fewest. Where
-- different bills or rules are left, it could be any of theirs, and is on none.
chosen as (
    select
        *,
        min(bill) over (partition by {{ tuple | join(', ') }}) <> max(bill) over (partition by {{ tuple | join(', ') }})
            as is_ambiguous
    from (
        select
            *,
            rank() over (partition by {{ tuple | join(', ') }} order by confirmed desc, assumed asc) as preference
        from candidates
    )
    where preference = 1
    qualify row_number() over (
        partition by {{ tuple | join(', ') }} order by amount desc, token_line_id asc nulls last
    ) = 1
),

matched as materialized (
    select
        chosen.* exclude (confirmed, assumed, amount, bill, preference, is_ambiguous, lacks_sub_account, lacks_api_key)
        replace (
            {% for owner in owners -%}
            if(is_ambiguous, null, set_{{ owner }}) as set_{{ owner }},
            {% endfor -%}
            if(is_ambiguous, null, token_line_id) as token_line_id,
            if(is_ambiguous, null, billing_currency) as billing_currency
        ),
        case
            when model is null then 'the span names no model'
            when is_ambiguous
                then 'several bills or rules have a charge for it, and nothing that it carries tells which it is'
            when token_line_id is null and lacks_sub_account
                then 'the bill tells projects of this model apart, and the span names none'
            when token_line_id is null and lacks_api_key
                then 'the bill tells keys of this model apart, and the span names none'
            when token_line_id is null then 'no charge for this model, project and key on this day'
        end as unmatched_reason
    from chosen
),

-- More traced than billed: the traced share what was billed, and are flagged.
weighted as materialized (
    select
        traced.token_line_id
        {%- for token_type in token_types() %},
        lines.{{ token_type }}_amount,
        {{ nano('lines.' ~ token_type ~ '_amount') }} as {{ token_type }}_units,
        -- greatest() would take the traced tokens for a quantity that is not known.
        if(lines.{{ token_type }}_quantity is null, null, nullif(greatest(
            lines.{{ token_type }}_quantity::bigint, traced.{{ token_type }}_traced
        ), 0))::double as {{ token_type }}_weight,
        -- The heaviest has the remainder, where every billed token was traced.
        if(
            traced.{{ token_type }}_traced >= lines.{{ token_type }}_quantity, traced.{{ token_type }}_most, null
        ) as {{ token_type }}_most
        {%- endfor %}
    from (
        select
            token_line_id
            {%- for token_type in token_types() %},
            coalesce(sum({{ token_type }}_tokens), 0)::bigint as {{ token_type }}_traced,
            max({{ token_type }}_most) as {{ token_type }}_most
            {%- endfor %}
        from matched
        where token_line_id is not null
        group by token_line_id
    ) as traced
    inner join lines on traced.token_line_id = lines.token_line_id
),

completed as (
    select
        {% for column in tuple %}matched.{{ column }}, {% endfor %}
        weighted.*
    from matched
    inner join weighted on matched.token_line_id = weighted.token_line_id
    where coalesce(
        {% for token_type in token_types() %}weighted.{{ token_type }}_most{{ ', ' if not loop.last }}{% endfor %}
    ) is not null
),

-- Where every billed token was traced, the remainder of the rounding goes to the heaviest attempt.
remainders as materialized (
    select
        completed.token_line_id
        {%- for token_type in token_types() %},
        any_value(completed.{{ token_type }}_amount) - {{ from_nano(
            'coalesce(sum(' ~ floor_share(
                'completed.' ~ token_type ~ '_units',
                'attempts.' ~ token_type ~ '_tokens',
                'completed.' ~ token_type ~ '_weight'
            ) ~ '), 0)'
        ) }} as {{ token_type }}_remainder,
        min(attempts.attempt_id) filter (
            where attempts.{{ token_type }}_tokens = completed.{{ token_type }}_most
        ) as {{ token_type }}_heaviest
        {%- endfor %}
    from attempts
    inner join completed
        on {% for column in tuple -%}
            attempts.{{ column }} is not distinct from completed.{{ column }}{{ ' and ' if not loop.last }}
        {%- endfor %}
    group by completed.token_line_id
),

-- All that an attempt takes from its tuple.
prices as materialized (
    select
        {% for column in tuple %}matched.{{ column }}, {% endfor %}
        matched.model,
        {% for owner in owners -%}
        matched.set_{{ owner }},
        {% endfor -%}
        matched.token_line_id,
        matched.billing_currency,
        matched.unmatched_reason
        {%- for token_type in token_types() %},
        weighted.{{ token_type }}_units,
        weighted.{{ token_type }}_weight,
        remainders.{{ token_type }}_heaviest,
        coalesce(remainders.{{ token_type }}_remainder, 0) as {{ token_type }}_remainder
        {%- endfor %}
    from matched
    left join weighted on matched.token_line_id = weighted.token_line_id
    left join remainders on matched.token_line_id = remainders.token_line_id
),

{{ unquantified_costs(tuple) }},

capacity as (
    select
        shares.attempt_id,
        any_value(charge_groups.billing_currency) as billing_currency,
        sum(shares.effective_cost)::decimal(38, 12) as effective_cost
    from {{ ref('int_capacity_shares') }} as shares
    inner join {{ ref('int_charge_groups') }} as charge_groups
        on shares.charge_group_id = charge_groups.charge_group_id
    where shares.charge_date = {{ charge_date() }} and shares.state = 'busy'
    group by shares.attempt_id
),

priced as (
    select
        attempts.*,
        prices.model,
        {% for owner in owners -%}
        coalesce(prices.set_{{ owner }}, attempts.{{ owner }}) as owned_{{ owner }},
        {% endfor -%}
        prices.token_line_id,
        prices.unmatched_reason,
        cast(attempts.ended_at as date) = {{ charge_date() }} as is_ended,
        coalesce(prices.billing_currency, capacity.billing_currency) as billing_currency,
        capacity.effective_cost as capacity_cost
        {%- for token_type in token_types() %},
        {% set earned = from_nano(floor_share(
            'prices.' ~ token_type ~ '_units',
            'attempts.' ~ token_type ~ '_tokens',
            'prices.' ~ token_type ~ '_weight'
        )) -%}
        coalesce(case when attempts.attempt_id = prices.{{ token_type }}_heaviest
            then {{ earned }} + prices.{{ token_type }}_remainder
            else {{ earned }}
        end, unquantified_costs.{{ token_type }}_cost)::decimal(38, 12) as {{ token_type }}_cost
        {%- endfor %}
    from attempts
    left join capacity on attempts.attempt_id = capacity.attempt_id
    left join unquantified_costs on attempts.attempt_id = unquantified_costs.attempt_id
    inner join prices
        on {% for column in tuple -%}
            attempts.{{ column }} is not distinct from prices.{{ column }}{{ ' and ' if not loop.last }}
        {%- endfor %}
),

summed as (
    select
        *,
        case
            when status = 'cached' then 0
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
    first_token_at,
    ended_at,
    queued_ms,
    operation_name,
    provider_name,
    request_model,
    response_model,
    tier as service_tier,
    status,
    error_type,
    pod_uid,
    is_ended,
    {% for entity in entities() -%}
    coalesce({{ 'owned_' if entity != 'model' }}{{ entity }}, '(none)') as {{ entity }},
    {% endfor -%}
    attribute_sources,
    sample_weight,
    {% for token_type in token_types() -%}
    if(status = 'cached', 0, {{ token_type }}_tokens) as {{ token_type }}_tokens,
    {% endfor -%}
    if(status = 'cached', 0, reasoning_tokens) as reasoning_tokens,
    token_line_id,
    billing_currency,
    {% for token_type in token_types() -%}
    {{ token_type }}_cost,
    {% endfor -%}
    capacity_cost,
    direct_cost,
    case
        when direct_cost is not null then null
        when status = 'rejected' then 'rejected before any work: never billed'
        when pod_uid is not null then 'no charge for the resource that it ran on'
        when unmatched_reason is not null then unmatched_reason
        when coalesce(
            {% for token_type in token_types() %}{{ token_type }}_tokens{{ ', ' if not loop.last }}{% endfor %}
        ) is null
            then 'the span carries no token counts'
        else 'the charge states no quantity for these tokens, and there is no price to estimate them by'
    end as unpriced_reason
from summed
