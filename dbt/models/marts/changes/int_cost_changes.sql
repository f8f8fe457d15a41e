-- Why the cost of a period is not that of the period before it. The change of each part of a value's
-- cost is split by logarithms of its factors (see docs/decisions/0016), which leave nothing over; each
-- effect is rounded to 9 decimals, and what that misses goes to the largest effect of the part.
-- Of sums of days: what is delivered may be many times as much.
-- depends_on: {{ ref('int_change_inputs') }}
{{ config(
    materialized='change_parquet', schema='intermediate', contract={'enforced': false},
    meta={'is_of_days': true, 'day_hash': 'changes_hash', 'day': change_pair(), 'rows_at_once': 10000000}
) }}
{%- set key = change_part_key() | join(', ') %}
{%- set period = ['period_kind', 'period_start', 'billing_currency'] %}
{%- set sides = [('before', 'previous_start'), ('after', 'period_start')] %}
with {{ change_periods() }},

items as (
    select
        pairs.period_kind,
        pairs.period_start,
        sums.billing_currency,
        sums.entity,
        sums.value,
        sums.kind,
        sums.part,
        sums.model,
        sums.meter
        {%- for side, start in sides %},
        coalesce(sum(sums.effective_cost) filter (where sums.period_start = pairs.{{ start }}), 0)::decimal(38, 12)
            as item_cost_{{ side }},
        sum(sums.quantity) filter (where sums.period_start = pairs.{{ start }}) as quantity_{{ side }},
        coalesce(sum(sums.requests) filter (where sums.period_start = pairs.{{ start }}), 0) as requests_{{ side }},
        coalesce(sum(sums.tokens) filter (where sums.period_start = pairs.{{ start }}), 0) as item_tokens_{{ side }},
        coalesce(sum(sums.busy) filter (where sums.period_start = pairs.{{ start }}), 0) as busy_{{ side }}
        {%- endfor %}
    from (
        select
            dates.period_kind,
            dates.period_start,
            parts.billing_currency,
            parts.entity,
            parts.value,
            parts.kind,
            parts.part,
            parts.model,
            parts.meter,
            sum(parts.effective_cost) as effective_cost,
            sum(parts.quantity) as quantity,
            sum(parts.requests) as requests,
            sum(parts.tokens) as tokens,
            sum(parts.busy_nanoseconds) as busy
        from {{ ref('cost_parts_daily') }} as parts
        inner join dates on parts.charge_date = dates.charge_date
        group by all
    ) as sums
    inner join pairs
        on
            sums.period_kind = pairs.period_kind
            and sums.period_start in (pairs.period_start, pairs.previous_start)
            and sums.billing_currency = pairs.billing_currency
    group by all
),

parts as (
    select
        {{ key }}
        {%- for side, _ in sides %},
        sum(item_cost_{{ side }})::decimal(38, 12) as cost_{{ side }},
        sum(requests_{{ side }})::double as requests_{{ side }},
        sum(item_tokens_{{ side }})::double as tokens_{{ side }},
        sum(busy_{{ side }})::double as busy_{{ side }}
        {%- endfor %}
    from items
    group by {{ key }}
),

{{ change_pool_logs() }},

{{ change_token_logs() }},

{{ change_quantity_logs() }},

{{ change_rules() }},

compared as (
    select
        parts.*,
        pairs.previous_start,
        pairs.days_before,
        pairs.days_after,
        -- What all values together have of the part, and what the value has of all parts.
        alls.cost_before as all_cost_before,
        alls.cost_after as all_cost_after,
        alls.requests_before as all_requests_before,
        alls.requests_after as all_requests_after,
        sum(parts.requests_before) over (partition by {{ change_value_key() }}) as value_requests_before,
        sum(parts.requests_after) over (partition by {{ change_value_key() }}) as value_requests_after,
        sum(abs(parts.cost_before)) over (partition by {{ change_value_key() }}) as value_cost_before,
        sum(abs(parts.cost_after)) over (partition by {{ change_value_key() }}) as value_cost_after,
        changed_rules.rules is not null as is_ruled_anew,
        changed_rules.rules as changed_rules,
        token_logs.price_log as token_price_log,
        token_logs.model_log,
        token_logs.meter_log,
        quantity_logs.quantity_log,
        quantity_logs.price_log as quantity_price_log,
        pool_logs.* exclude (period_kind, period_start, billing_currency, pool)
    from parts
    inner join pairs on {{ change_same('parts', 'pairs', period) }}
    left join token_logs on {{ change_same('parts', 'token_logs', change_part_key()) }}
    left join quantity_logs on {{ change_same('parts', 'quantity_logs', change_part_key()) }}
    left join changed_rules on {{ change_same('parts', 'changed_rules', period + ['kind', 'part']) }}
    left join parts as alls
        on
            {{ change_same('parts', 'alls', period + ['kind', 'part']) }}
            and alls.entity = 'all'
    left join pool_logs
        on
            parts.kind = 'pool'
            and parts.part = pool_logs.pool
            and {{ change_same('parts', 'pool_logs', period) }}
            and pool_logs.rate_log is not null
    where parts.cost_before <> 0 or parts.cost_after <> 0
),

{{ change_effects() }},

rounded as (
    select
        *,
        round(amount, 9)::decimal(38, 12) as units,
        row_number() over (partition by {{ key }} order by abs(amount) desc, effect) as place
    from effects
),

owners as (
    {{ named_owners() }}
)

select
    changes.period_kind,
    changes.period_start,
    changes.previous_start,
    changes.billing_currency,
    changes.entity,
    changes.value,
    changes.kind,
    changes.part,
    changes.effect,
    changes.cost_change,
    changes.measure,
    changes.measure_before,
    changes.measure_after,
    changes.cost_before,
    changes.cost_after,
    arg_min(owners.owner, (owners.preference, owners.owner)) as owner
from (
    select
        *,
        (
            units + if(place = 1, cost_after - cost_before - sum(units) over (partition by {{ key }}), 0)
        )::decimal(38, 12) as cost_change
    from rounded
) as changes
left join owners
    on
        changes.entity = owners.entity
        and changes.value = owners.value
        and {{ is_valid_on('owners', 'changes.period_start') }}
where changes.cost_change <> 0
group by all
order by changes.entity, changes.value, changes.kind, changes.part, changes.effect
