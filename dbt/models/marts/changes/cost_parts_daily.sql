-- What the cost of a value is made of, with the work that it did: what is needed to tell why it changed.
-- A part is a pool of GPUs (its idle and scaling included), all APIs that bill tokens, or what cannot
-- be divided by work: a service, a tax, what is shared. Requests of entities that two pools served on
-- a day stand with the pool that they kept busy longest.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(materialized='daily_parquet', meta={'is_of_days': true, 'day_hash': 'ledger_hash'}) }}
{%- set entity_list = entities() | join(', ') %}
with attributed as (
    select
        *,
        {{ cost_pool_id() }} as cost_pool_id,
        -- A later bill says so: a correction, or use of a month that was billed before.
        is_correction or charge_date < cast(billing_period || '-01' as date) - 1 as is_restated
    from {{ ref('int_costs_attributed') }}
    where {{ is_of_days('charge_date') }}
),

-- Of each charge group, and of each cost pool, what the ledger does not repeat.
origins as (
    select
        charge_date,
        charge_group_id,
        any_value(pool) as pool,
        if(min(service_name) = max(service_name), min(service_name), null) as service_name,
        bool_and(is_restated) as is_restated
    from (
        select charge_date, charge_group_id, pool, service_name, is_restated
        from attributed
        where scope is null
        union all
        select charge_date, cost_pool_id, if(scope = 'pool', scope_key, null), service_name, is_restated
        from attributed
        where scope is not null
    ) as gathered
    group by charge_date, charge_group_id
),

costs as (
    select
        ledger.charge_date,
        ledger.billing_currency,
        {% for entity in entities() %}ledger.{{ entity }}, {% endfor %}
        case
            when ledger.allocated_method_id = 'tokens' then 'tokens'
            when origins.is_restated then 'restatement'
            when ledger.component = 'unmatched' then 'unmatched'
            when ledger.charge_category in ('Tax', 'Credit') then lower(ledger.charge_category)
            when origins.pool is not null and ledger.component in ('direct', 'idle', 'scaling') then 'pool'
            when ledger.component in ('shared', 'overhead') then ledger.component
            else 'service'
        end as kind,
        case kind
            when 'tokens' then 'APIs'
            when 'pool' then origins.pool
            when 'tax' then ledger.source
            when 'credit' then ledger.source
            when 'shared' then coalesce(ledger.rule_id, origins.service_name)
            when 'overhead' then coalesce(ledger.rule_id, origins.service_name)
            else origins.service_name
        end as part,
        ledger.allocated_method_id = 'busy-time' as is_busy,
        ledger.weight,
        ledger.effective_cost,
        -- What the bill counts, of charges that no telemetry divides.
        if(
            kind in ('service', 'unmatched') and charge_groups.effective_cost <> 0,
            coalesce(
                nullif(concat_ws(' ', charge_groups.model, charge_groups.token_type), ''), charge_groups.usage_type, ''
            ),
            ''
        ) as meter,
        if(
            meter <> '',
            charge_groups.consumed_quantity::double
            * (ledger.effective_cost::double / charge_groups.effective_cost::double),
            null
        )::decimal(38, 12) as quantity,
        ledger.rule_id || ' ' || ledger.rule_version as rule
    from {{ ref('int_costs_allocated') }} as ledger
    inner join origins
        on ledger.charge_date = origins.charge_date and ledger.charge_group_id = origins.charge_group_id
    left join {{ ref('int_charge_groups') }} as charge_groups
        on ledger.charge_group_id = charge_groups.charge_group_id
    where {{ is_of_days('ledger.charge_date') }}
),

rules as (
    select
        charge_date,
        billing_currency,
        kind,
        coalesce(part, '(none)') as part,
        list_sort(list_distinct(list(rule))) as rules
    from costs
    where rule is not null
    group by charge_date, billing_currency, kind, coalesce(part, '(none)')
),

busiest_pools as (
    select charge_date, billing_currency, {{ entity_list }}, arg_max(part, (nanoseconds, part)) as pool
    from (
        select charge_date, billing_currency, {{ entity_list }}, part, sum(weight) as nanoseconds
        from costs
        where is_busy and kind = 'pool'
        group by all
    ) as pools
    group by all
),

attempts as (
    select
        *,
        0 {%- for token_type in token_types() %} + {{ token_type }}_tokens {%- endfor %} as tokens
    from {{ ref('int_attempt_sums') }}
    where {{ is_of_days('charge_date') }} and kind in ('tokens', 'capacity')
),

tiers as (
    select charge_date, token_line_id, service_tier
    from {{ ref('int_token_lines') }}
    where {{ is_of_days('charge_date') }}
),

parts as (
    select
        charge_date, billing_currency, {{ entity_list }}, kind, coalesce(part, '(none)') as part, '' as of_model, meter,
        effective_cost,
        quantity,
        0 as requests,
        0 as tokens,
        if(is_busy, weight, 0) as nanoseconds
    from costs
    -- Tokens are told apart below.
    where kind <> 'tokens'
    union all
    select
        attempts.charge_date,
        attempts.billing_currency,
        {% for entity in entities() %}attempts.{{ entity }}, {% endfor %}
        if(attempts.kind = 'tokens', 'tokens', 'pool'),
        if(attempts.kind = 'tokens', 'APIs', busiest_pools.pool),
        '',
        '',
        0,
        null,
        attempts.attempts,
        if(attempts.kind = 'tokens', 0, attempts.tokens),
        0
    from attempts
    left join busiest_pools
        on
            attempts.charge_date = busiest_pools.charge_date
            and attempts.billing_currency = busiest_pools.billing_currency
            {%- for entity in entities() %}
            and attempts.{{ entity }} = busiest_pools.{{ entity }}
            {%- endfor %}
    where attempts.kind = 'tokens' or busiest_pools.pool is not null
    {%- for token_type in token_types() %}
    union all
    select
        attempts.charge_date,
        attempts.billing_currency,
        {% for entity in entities() %}attempts.{{ entity }}, {% endfor %}
        'tokens',
        'APIs',
        attempts.model,
        '{{ token_type }}' || if(tiers.service_tier = 'standard', '', ' ' || tiers.service_tier),
        attempts.{{ token_type }}_cost,
        null,
        0,
        attempts.{{ token_type }}_tokens,
        0
    from attempts
    left join tiers
        on attempts.charge_date = tiers.charge_date and attempts.token_line_id = tiers.token_line_id
    where attempts.kind = 'tokens' and attempts.{{ token_type }}_cost <> 0
    {%- endfor %}
),

pools as (
    select
        charge_date,
        billing_currency,
        pool,
        sum(effective_cost) as effective_cost,
        0 as requests,
        0 as tokens,
        0 as nanoseconds
    from attributed
    where pool is not null and not is_restated
    group by charge_date, billing_currency, pool
    union all
    select charge_date, billing_currency, part, 0, sum(requests), sum(tokens), 0
    from parts
    where kind = 'pool'
    group by charge_date, billing_currency, part
    union all
    select shares.charge_date, charge_groups.billing_currency, shares.pool, 0, 0, 0, sum(shares.nanoseconds)
    from {{ ref('int_capacity_shares') }} as shares
    inner join {{ ref('int_charge_groups') }} as charge_groups
        on shares.charge_group_id = charge_groups.charge_group_id
    where {{ is_of_days('shares.charge_date') }} and shares.state = 'busy'
    group by shares.charge_date, charge_groups.billing_currency, shares.pool
)

select
    sums.charge_date,
    sums.billing_currency,
    sums.entity,
    sums.value,
    sums.kind,
    sums.part,
    sums.of_model as model,
    sums.meter,
    sums.effective_cost,
    sums.quantity,
    sums.requests,
    sums.tokens,
    sums.busy_nanoseconds,
    if(sums.entity = 'all', rules.rules, null) as rules
from (
    select
        charge_date,
        billing_currency,
        {{ entity_and_value() }},
        kind,
        part,
        of_model,
        meter,
        sum(effective_cost)::decimal(38, 12) as effective_cost,
        sum(quantity)::decimal(38, 12) as quantity,
        sum(requests)::bigint as requests,
        sum(tokens)::bigint as tokens,
        sum(nanoseconds)::bigint as busy_nanoseconds
    from parts
    group by {{ each_entity(['charge_date', 'billing_currency', 'kind', 'part', 'of_model', 'meter']) }}
    union all
    select
        charge_date, billing_currency, 'pool', pool, 'pool', pool, '', '',
        sum(effective_cost)::decimal(38, 12),
        null,
        sum(requests)::bigint,
        sum(tokens)::bigint,
        sum(nanoseconds)::bigint
    from pools
    group by charge_date, billing_currency, pool
) as sums
left join rules
    on
        sums.charge_date = rules.charge_date
        and sums.billing_currency = rules.billing_currency
        and sums.kind = rules.kind
        and sums.part = rules.part
