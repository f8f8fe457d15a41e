{# What tells a value's changes apart. #}
{% macro change_value_key() -%}
    {%- for column in change_part_key()[:5] %}parts.{{ column }}{{ ', ' if not loop.last }}{% endfor -%}
{%- endmacro %}

{# Whether two relations have the same in these columns. #}
{% macro change_same(left, right, columns) -%}
    {%- for column in columns -%}
        {{ left }}.{{ column }} = {{ right }}.{{ column }}{{ ' and ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# CTE `changed_rules`: parts whose costs used a version of a rule that began or ended in the two periods. #}
{% macro change_rules() -%}
changed_rules as (
    select
        pairs.period_kind,
        pairs.period_start,
        pairs.billing_currency,
        used.kind,
        used.part,
        string_agg(distinct used.rule, ', ' order by used.rule) as rules
    from (
        select distinct charge_date, billing_currency, kind, part, unnest(rules) as rule
        from {{ ref('cost_parts_daily') }}
        where entity = 'all' and rules is not null
    ) as used
    inner join {{ ref('stg_lake__rules') }} as rules on used.rule = rules.rule_id || ' ' || rules.rule_version
    inner join dates on used.charge_date = dates.charge_date
    inner join pairs
        on
            dates.period_kind = pairs.period_kind
            and dates.period_start in (pairs.period_start, pairs.previous_start)
            and used.billing_currency = pairs.billing_currency
    where
        (rules.valid_from > pairs.previous_start and rules.valid_from < pairs.next_start)
        or (rules.valid_to > pairs.previous_start and rules.valid_to < pairs.next_start)
    group by all
)
{%- endmacro %}

{# One effect of a part: its name, its logarithm, and what was measured before and after. #}
{% macro change_effect(effect, log, measure='null', before='null', after='null') -%}
    {
        'effect': '{{ effect }}', 'log': coalesce({{ log }}, 0)::double, 'measure': {{ measure }}::varchar,
        'before': ({{ before }})::double, 'after': ({{ after }})::double
    }
{%- endmacro %}

{# CTE `effects`: one row an effect of a part. A cost that was there in both periods, with one sign, is a
   product of factors; one that appears or vanishes is one effect as a whole. #}
{% macro change_effects() -%}
logs as (
    select
        *,
        sign(cost_before) * sign(cost_after) > 0 and kind <> 'restatement' as is_in_both,
        ln(days_after / days_before) as days_log,
        case when is_in_both then ln(cost_after::double / cost_before::double) end as cost_log,
        {{ change_log('value_requests_after', 'value_requests_before') }} as value_requests_log,
        {{ change_log('requests_after', 'requests_before') }} as requests_log,
        {{ change_log('tokens_after', 'tokens_before') }} as tokens_log,
        {{ change_log('busy_after', 'busy_before') }} as busy_log,
        case
            when sign(all_cost_before) * sign(all_cost_after) > 0
                then ln(all_cost_after::double / all_cost_before::double)
        end as all_cost_log,
        {{ change_log('all_requests_after', 'all_requests_before') }} as all_requests_log
    from compared
),

-- Work is counted by the first measure that both periods have.
work as (
    select
        *,
        kind in ('tokens', 'pool') as is_work,
        case
            when kind not in ('tokens', 'pool') then null
            when requests_log is not null then 'requests'
            when tokens_log is not null then 'tokens'
            when busy_log is not null then 'GPU seconds'
            else 'GPU cost at one price'
        end as unit,
        case unit
            when 'requests' then requests_log
            when 'tokens' then tokens_log
            when 'GPU seconds' then busy_log
            else cost_log - coalesce(rate_log, 0)
        end as work_log,
        -- Of requests: the tokens of each; then what is used for a token, or for a request.
        if(unit = 'requests' and tokens_log is not null, tokens_log - requests_log, 0) as tokens_a_request_log,
        work_log + tokens_a_request_log as output_log,
        if(is_ruled_anew and unit = 'requests', requests_log - all_requests_log, null) as moved_log
    from logs
    where is_in_both
),

factors as (
    select
        work.*,
        abs({{ change_log_mean('abs(cost_after::double)', 'abs(cost_before::double)') }}) * sign(cost_after)
            as mean_cost,
        case
            when kind = 'tokens' then [
                {{ change_work_effects() }},
                {{ change_effect('model_mix', 'coalesce(model_log, 0)', *change_token_price()) }},
                {{ change_effect('token_mix', 'coalesce(meter_log, 0)', *change_token_price()) }},
                {{ change_effect(
                    'price', 'if(token_price_log is null, cost_log - output_log, token_price_log)',
                    *change_token_price()
                ) }}
            ]
            when kind = 'pool' then [
                {{ change_work_effects() }},
                {{ change_effect(
                    'efficiency', 'busy_log - output_log',
                    "'busy GPU seconds a ' || if(tokens_log is not null, '1000 tokens', 'request')",
                    'busy_before / if(tokens_log is not null, tokens_before * 1e6, requests_before * 1e9)',
                    'busy_after / if(tokens_log is not null, tokens_after * 1e6, requests_after * 1e9)'
                ) }},
                {{ change_effect(
                    'utilization', "cost_log - coalesce(busy_log, output_log) - coalesce(rate_log, 0)",
                    "'paid GPU hours for a busy one'",
                    'cost_before::double / nullif(rate_before * busy_before, 0)',
                    'cost_after::double / nullif(rate_after * busy_after, 0)'
                ) }},
                {{ change_effect(
                    'price', 'price_log', "'a GPU hour on demand'", 'on_demand_before * 3.6e12',
                    'on_demand_after * 3.6e12'
                ) }},
                {{ change_effect(
                    'shape', 'shape_log', "'a GPU hour on demand'", 'on_demand_before * 3.6e12',
                    'on_demand_after * 3.6e12'
                ) }},
                {{ change_effect(
                    'purchase_option', 'option_log', "'part of the price on demand'", 'option_before', 'option_after'
                ) }},
                {{ change_effect(
                    'commitment', 'commitment_log', "'part of the price without commitments'", 'commitment_before',
                    'commitment_after'
                ) }}
            ]
            when quantity_log is not null and not is_ruled_anew then [
                {{ change_days_effect() }},
                {{ change_effect('volume', 'quantity_log - days_log', "'quantities of the bill a day'") }},
                {{ change_effect('price', 'quantity_price_log', "'price of what the bill counts'") }},
                {{ change_effect('own', 'cost_log - quantity_log - quantity_price_log') }}
            ]
            else [
                {{ change_days_effect() }},
                {{ change_effect(
                    'own', 'coalesce(all_cost_log, cost_log) - days_log', "'a day, all values'",
                    'all_cost_before::double / days_before', 'all_cost_after::double / days_after'
                ) }},
                {{ change_effect(
                    'share', 'cost_log - coalesce(all_cost_log, cost_log)', "'share of it'",
                    'cost_before::double / nullif(all_cost_before::double, 0)',
                    'cost_after::double / nullif(all_cost_after::double, 0)'
                ) }}
            ]
        end as factors
    from work
),

split_changes as (
    select {{ change_part_key() | join(', ') }}, previous_start, cost_before, cost_after, is_ruled_anew, mean_cost,
        changed_rules, unnest(factors) as factor
    from factors
),

effects as (
    select
        * exclude (factor, mean_cost, is_ruled_anew, changed_rules),
        case
            when factor.effect = 'own' then kind
            when factor.effect = 'share' and is_ruled_anew then 'rule'
            else factor.effect
        end as effect,
        mean_cost * factor.log as amount,
        if(factor.effect in ('share', 'rule') and is_ruled_anew, 'share of it: ' || changed_rules, factor.measure)
            as measure,
        factor.before as measure_before,
        factor.after as measure_after
    from split_changes
    union all
    select
        {{ change_part_key() | join(', ') }}, previous_start, cost_before, cost_after,
        case
            when kind = 'restatement' then kind
            when is_ruled_anew then 'rule'
            when value_cost_before = 0 or value_cost_after = 0 then 'volume'
            when kind in ('tokens', 'pool') and value_requests_before > 0 and value_requests_after > 0 then 'pool_mix'
            when kind in ('tokens', 'pool') then 'volume'
            else kind
        end,
        (cost_after - cost_before)::double,
        if(is_ruled_anew and kind <> 'restatement', changed_rules, null),
        null,
        null
    from logs
    where not is_in_both
)
{%- endmacro %}

{% macro change_days_effect() -%}
    {{ change_effect('days', 'days_log', "'days'", 'days_before', 'days_after') }}
{%- endmacro %}

{# How much was asked for: days, work a day, which part of it was done here, tokens of a request. Where a
   rule was changed, what it moved from value to value is the rule's. #}
{% macro change_work_effects() -%}
    {{ change_days_effect() }},
    {{ change_effect(
        'volume',
        "case when moved_log is not null then all_requests_log when unit = 'requests' then value_requests_log"
        ~ " else work_log end - days_log",
        "unit || ' a day'",
        "case unit when 'requests' then value_requests_before when 'tokens' then tokens_before"
        ~ " when 'GPU seconds' then busy_before / 1e9 end / days_before",
        "case unit when 'requests' then value_requests_after when 'tokens' then tokens_after"
        ~ " when 'GPU seconds' then busy_after / 1e9 end / days_after"
    ) }},
    {{ change_effect('rule', 'moved_log', "'share of it'",
        'requests_before / all_requests_before', 'requests_after / all_requests_after') }},
    {{ change_effect(
        'pool_mix', "if(moved_log is null and unit = 'requests', requests_log - value_requests_log, 0)",
        "'share of the requests'", 'requests_before / value_requests_before', 'requests_after / value_requests_after'
    ) }},
    {{ change_effect(
        'tokens_per_request', 'tokens_a_request_log', "'tokens a request'", 'tokens_before / requests_before',
        'tokens_after / requests_after'
    ) }}
{%- endmacro %}

{% macro change_token_price() -%}
    {{ return([
        "'a million tokens'", 'cost_before::double / tokens_before * 1e6', 'cost_after::double / tokens_after * 1e6'
    ]) }}
{%- endmacro %}
