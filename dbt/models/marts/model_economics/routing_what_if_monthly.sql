-- What requests that generate would have cost at other models: their own tokens at what the other model's
-- tokens cost in the month. What that saves counts only as far as evaluations of the other model's answers to
-- the same feature pass; what it would cost more counts as it is.
{%- set enough = var('fewest_evaluations', 30) %}
with {{ tiers_of_models() }},

served as (
    select
        {{ month_of('charge_date') }} as month,
        feature,
        model,
        billing_currency,
        sum(requests)::bigint as requests,
        sum(evaluated_requests)::bigint as evaluated,
        sum(passed_requests)::bigint as passed,
        sum(direct_cost)::decimal(38, 12) as direct_cost,
        sum(capacity_cost) as capacity_cost,
        {% for side, kinds in {
            'input': ['uncached_input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'audio_input'],
            'output': ['output', 'audio_output']
        }.items() -%}
        {% for kind in kinds %}coalesce(sum({{ kind }}_tokens), 0){{ ' + ' if not loop.last }}{% endfor %}
            as {{ side }}_tokens,
        {% for kind in kinds %}coalesce(sum(priced_{{ kind }}_tokens), 0){{ ' + ' if not loop.last }}{% endfor %}
            as priced_{{ side }}_tokens,
        {% for kind in kinds %}coalesce(sum({{ kind }}_cost), 0){{ ' + ' if not loop.last }}{% endfor %}
            as {{ side }}_cost{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('int_model_days') }}
    where
        operation_name in ('chat', 'text_completion', 'generate_content')
        and billing_currency is not null and model is not null
    group by all
    having sum(requests) > 0
),

-- GPU time has no price by type of token: all tokens of a model of one's own cost alike.
rates as (
    select
        month,
        model,
        billing_currency,
        sum(requests) as requests,
        coalesce(
            sum(input_cost)::double / nullif(sum(priced_input_tokens), 0),
            sum(capacity_cost)::double / nullif(sum(input_tokens + output_tokens), 0)
        ) as input_rate,
        coalesce(
            sum(output_cost)::double / nullif(sum(priced_output_tokens), 0),
            sum(capacity_cost)::double / nullif(sum(input_tokens + output_tokens), 0)
        ) as output_rate
    from served
    group by month, model, billing_currency
),

ends as (
    select min(position) as largest, max(position) as smallest
    from {{ ref('stg_lake__model_tiers') }}
),

features as (
    select distinct month, feature, billing_currency from served
),

-- Of the models of a tier, that which most answers the feature, else which most answers.
representatives as (
    select
        features.month,
        features.feature,
        features.billing_currency,
        if(tiers.position = ends.largest, 'all to the largest', 'all to the smallest') as scenario,
        arg_max(rates.model, (coalesce(served.requests, 0), rates.requests, rates.model)) as target
    from features
    inner join rates on features.month = rates.month and features.billing_currency = rates.billing_currency
    inner join tiers on rates.model = tiers.model
    inner join ends
        on ends.largest <> ends.smallest and (tiers.position = ends.largest or tiers.position = ends.smallest)
    left join served
        on
            features.month = served.month and features.feature is not distinct from served.feature
            and features.billing_currency = served.billing_currency and rates.model = served.model
    group by features.month, features.feature, features.billing_currency, tiers.position, ends.largest
),

ruled as (
    select served.month, served.feature, served.model, served.billing_currency, rules.rule, rules.to_model
    from served
    inner join {{ ref('stg_lake__routing_rules') }} as rules
        on coalesce(served.feature, '') glob rules.feature and served.model glob rules.from_model
    qualify row_number() over (
        partition by served.month, served.feature, served.model, served.billing_currency, rules.rule
        order by rules.priority
    ) = 1
),

moves as (
    select served.*, 'actual' as scenario, served.model as target
    from served
    union all
    select served.*, representatives.scenario, representatives.target
    from served
    inner join representatives
        on
            served.month = representatives.month and served.feature is not distinct from representatives.feature
            and served.billing_currency = representatives.billing_currency
    union all
    select served.*, 'rule ' || rules.rule, coalesce(ruled.to_model, served.model)
    from served
    cross join (select distinct rule from {{ ref('stg_lake__routing_rules') }}) as rules
    left join ruled
        on
            served.month = ruled.month and served.feature is not distinct from ruled.feature
            and served.model = ruled.model and served.billing_currency = ruled.billing_currency
            and rules.rule = ruled.rule
),

priced as (
    select
        moves.*,
        moves.target <> moves.model as is_moved,
        if(
            moves.target = moves.model,
            moves.direct_cost::double,
            moves.input_tokens * rates.input_rate + moves.output_tokens * rates.output_rate
        ) as what_if_cost,
        if(answers.evaluated >= {{ enough }}, answers.passed / answers.evaluated::double, null) as substitution_rate,
        coalesce(answers.evaluated, 0) as evaluations
    from moves
    left join rates
        on
            moves.month = rates.month and moves.target = rates.model
            and moves.billing_currency = rates.billing_currency
    left join served as answers
        on
            moves.month = answers.month and moves.feature is not distinct from answers.feature
            and moves.target = answers.model and moves.billing_currency = answers.billing_currency
),

summed as (
    select
        month,
        feature,
        scenario,
        billing_currency,
        sum(requests)::bigint as requests,
        coalesce(sum(requests) filter (where is_moved), 0)::bigint as moved_requests,
        if(min(target) = max(target), min(target), null) as target_model,
        sum(direct_cost)::decimal(38, 12) as direct_cost,
        if(count(*) = count(what_if_cost), sum(what_if_cost), null) as what_if_cost,
        max(evaluations)::bigint as evaluations,
        max(substitution_rate) filter (where is_moved) as substitution_rate,
        bool_or(is_moved and direct_cost > what_if_cost and substitution_rate is null) as lacks_evaluations,
        sum(case
            when not is_moved then 0
            when direct_cost <= what_if_cost then direct_cost - what_if_cost
            else (direct_cost - what_if_cost) * substitution_rate
        end) as saved_cost
    from priced
    group by month, feature, scenario, billing_currency
)

select
    month,
    feature,
    scenario,
    billing_currency,
    target_model,
    requests,
    moved_requests,
    direct_cost,
    round(what_if_cost, 6)::decimal(38, 12) as what_if_cost_estimate,
    evaluations,
    substitution_rate::decimal(9, 6) as substitution_rate,
    if(lacks_evaluations or what_if_cost is null, null, round(saved_cost, 6))::decimal(38, 12) as saved_cost_estimate,
    case
        when what_if_cost is null then 'nothing says what tokens of the other model cost in this month'
        when lacks_evaluations
            then 'fewer than {{ enough }} evaluations of what the other model answers to this feature'
    end as saved_reason
from summed
