-- One row a charge group, component and entities, before anything is shared: what telemetry and
-- rules say of a day's charges. `scope` and `scope_key` tell who shares a row that is not direct
-- or unmatched. The rows of a charge group sum to what it costs on the day.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(materialized='daily_parquet', meta={'is_of_days': true, 'day_hash': 'ledger_hash'}) }}
{%- set none_entities -%}
    {%- for entity in entities() %}
        coalesce(rule.set_{{ entity }}, known.{{ entity }}, '(none)') as {{ entity }},
    {%- endfor %}
{%- endset %}
with charge_groups as (
    select *
    from {{ ref('int_charge_groups') }}
    where effective_cost <> 0
),

lines as (
    select *
    from {{ ref('int_token_lines') }}
    where {{ is_of_days('charge_date') }}
),

token_sums as (
    select *
    from {{ ref('int_attempt_sums') }}
    where {{ is_of_days('charge_date') }} and token_line_id is not null
),

token_direct as (
    {%- for token_type in token_types() %}
    select
        token_sums.charge_date,
        lines.{{ token_type }}_group_id as charge_group_id,
        {% for entity in entities() -%}
        token_sums.{{ entity }},
        {% endfor -%}
        token_sums.{{ token_type }}_cost as effective_cost,
        token_sums.{{ token_type }}_tokens as weight
    from token_sums
    inner join lines
        on token_sums.charge_date = lines.charge_date and token_sums.token_line_id = lines.token_line_id
    where token_sums.{{ token_type }}_cost <> 0
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

capacity as (
    select *
    from {{ ref('int_capacity_shares') }}
    where {{ is_of_days('charge_date') }} and effective_cost <> 0
),

pools as (
    select
        charge_date,
        charge_group_id,
        any_value(pool) as pool,
        any_value(billed_nanoseconds) as billed_nanoseconds
    from capacity
    group by charge_date, charge_group_id
    -- True of each: has the planner count on few, and look them up.
    having count(*) > 0
),

-- As telemetry names them: what a rule says of a group is looked up for fewer rows.
served as (
    select
        capacity.charge_date,
        capacity.charge_group_id,
        {% for entity in entities() -%}
        attempts.{{ entity }},
        {% endfor -%}
        sum(capacity.effective_cost) as effective_cost,
        sum(capacity.nanoseconds) as nanoseconds
    from capacity
    inner join {{ ref('attempt_costs') }} as attempts
        on
            capacity.charge_date = attempts.charge_date and capacity.attempt_id = attempts.attempt_id
            and {{ is_of_days('attempts.charge_date') }}
    group by all
),

capacity_direct as (
    select
        served.charge_date,
        served.charge_group_id,
        {% for entity in entities() -%}
        coalesce(charge_groups.rule.set_{{ entity }}, served.{{ entity }}) as {{ entity }},
        {% endfor -%}
        sum(served.effective_cost) as effective_cost,
        sum(served.nanoseconds) as weight,
        any_value(pools.billed_nanoseconds) as total_weight
    from served
    inner join pools on served.charge_date = pools.charge_date and served.charge_group_id = pools.charge_group_id
    inner join charge_groups on served.charge_group_id = charge_groups.charge_group_id
    group by all
),

-- The team that answers for a pool, and (NULL) for what no pool asked for.
owners as (
    select
        days.charge_date,
        pools.pool,
        arg_min(pools.owner, pools.priority) as owner
    from (select distinct charge_date from capacity) as days
    inner join {{ ref('stg_lake__pools') }} as pools
        on pools.owner is not null and {{ is_valid_on('pools', 'days.charge_date') }}
    group by days.charge_date, pools.pool
),

capacity_states as (
    select
        capacity.charge_date,
        capacity.charge_group_id,
        any_value(capacity.pool) as pool,
        case
            when capacity.state in ('warm_idle', 'unrequested') then 'idle'
            -- Busy, but with nobody's request that we know.
            when capacity.state in ('unknown', 'busy') then 'unmatched'
            else 'scaling'
        end as component,
        case
            when capacity.state in ('warm_idle', 'starting') then owners.owner
            when capacity.state in ('unrequested', 'provisioning', 'terminating') then platform.owner
        end as owner,
        sum(capacity.effective_cost) as effective_cost,
        sum(capacity.nanoseconds) as weight,
        any_value(capacity.billed_nanoseconds) as total_weight
    from capacity
    left join owners on capacity.charge_date = owners.charge_date and capacity.pool = owners.pool
    left join owners as platform on capacity.charge_date = platform.charge_date and platform.pool is null
    where capacity.attempt_id is null
    group by all
),

spread as (
    select
        spread.charge_date,
        spread.effective_cost as amount,
        spread.mirrored_group_id,
        charge_groups.* exclude (effective_cost, charge_date)
    from {{ ref('int_charges_spread_daily') }} as spread
    inner join charge_groups on spread.charge_group_id = charge_groups.charge_group_id
    where {{ is_of_days('spread.charge_date') }}
),

-- What attempts and states do not explain of a token or capacity charge is unmatched.
residuals as (
    select
        spread.charge_date,
        spread.charge_group_id,
        spread.rule,
        spread.known,
        spread.known_from,
        spread.amount - coalesce(explained.effective_cost, 0) as effective_cost
    from spread
    left join (
        select
            charge_date,
            charge_group_id,
            sum(effective_cost) as effective_cost
        from (
            select charge_date, charge_group_id, effective_cost from token_direct
            union all
            select charge_date, charge_group_id, effective_cost from capacity_direct
            union all
            select charge_date, charge_group_id, effective_cost from capacity_states
        ) as parts
        group by charge_date, charge_group_id
    ) as explained
        on spread.charge_date = explained.charge_date and spread.charge_group_id = explained.charge_group_id
    where spread.treatment in ('tokens', 'capacity')
),

explained as (
    select
        token_direct.charge_date,
        token_direct.charge_group_id,
        'direct' as component,
        {% for entity in entities() %}token_direct.{{ entity }}, {% endfor %}
        token_direct.effective_cost,
        null as scope,
        null as scope_key,
        token_direct.weight,
        greatest(charge_groups.consumed_quantity, sum(token_direct.weight) over (
            partition by token_direct.charge_date, token_direct.charge_group_id
        )) as total_weight,
        'Tokens' as weight_unit,
        'tokens' as allocated_method_id,
        null as owner,
        null as entities_from
    from token_direct
    inner join charge_groups on token_direct.charge_group_id = charge_groups.charge_group_id
    union all
    select
        charge_date, charge_group_id, 'direct', {{ entities() | join(', ') }}, effective_cost, null, null, weight,
        total_weight, 'Nanoseconds', 'busy-time', null, null
    from capacity_direct
    union all
    select
        capacity_states.charge_date,
        capacity_states.charge_group_id,
        capacity_states.component,
        {% for entity in entities() -%}
        coalesce(charge_groups.rule.set_{{ entity }}, charge_groups.known.{{ entity }}, '(none)'),
        {% endfor -%}
        capacity_states.effective_cost,
        case when capacity_states.component <> 'unmatched' then 'pool' end,
        case when capacity_states.component <> 'unmatched' then capacity_states.pool end,
        capacity_states.weight,
        capacity_states.total_weight,
        'Nanoseconds',
        'capacity-state',
        capacity_states.owner,
        charge_groups.known_from
    from capacity_states
    inner join charge_groups on capacity_states.charge_group_id = charge_groups.charge_group_id
    union all
    select
        charge_date,
        charge_group_id,
        'unmatched',
        {{ none_entities }}
        effective_cost,
        null,
        null,
        null,
        null,
        null,
        'unmatched',
        null,
        known_from
    from residuals
    where effective_cost <> 0
    union all
    select
        charge_date,
        charge_group_id,
        case
            when treatment in ('tax', 'credit', 'overhead') then 'overhead'
            when treatment = 'shared' then 'shared'
            when treatment = 'direct' then 'direct'
            else 'unmatched'
        end,
        {{ none_entities }}
        amount,
        case
            when treatment in ('tax', 'credit') then 'invoice'
            when treatment = 'overhead' then coalesce(rule.scope, 'account')
            when treatment = 'shared' then 'users'
        end,
        case
            when treatment = 'shared' then rule.rule_hash
            when treatment <> 'overhead' then null
            when rule.scope = 'sub_account' then sub_account_id
            when rule.scope = 'service' then service_name
            when rule.scope = 'pool' then rule.pool
        end,
        null,
        null,
        null,
        case when rule_id is not null then 'rule' when treatment = 'unmatched' then 'unmatched' else treatment end,
        null,
        known_from
    from spread
    where treatment in ('direct', 'unmatched', 'shared', 'overhead', 'tax', 'credit')
),

-- A correction mirrors the rows of what it corrects, in the same proportions, unmatched included.
mirrored as (
    select
        spread.charge_date,
        spread.charge_group_id,
        spread.amount,
        spread.mirrored_group_id,
        explained.* exclude (
            charge_date, charge_group_id, effective_cost, weight, total_weight, weight_unit, allocated_method_id
        ),
        {{ nano('explained.effective_cost') }} as weight,
        row_number() over (
            partition by spread.charge_date, spread.charge_group_id, spread.mirrored_group_id
            order by
                explained.component,
                {% for entity in entities() %}explained.{{ entity }}, {% endfor %}
                explained.scope_key,
                explained.owner,
                explained.allocated_method_id
        ) as member,
        sum({{ nano('explained.effective_cost') }}) over (
            partition by spread.charge_date, spread.charge_group_id, spread.mirrored_group_id
        ) as total_weight
    from spread
    inner join explained
        on spread.charge_date = explained.charge_date and spread.mirrored_group_id = explained.charge_group_id
    where spread.treatment = 'correction' and explained.effective_cost > 0
),

mirror_shares as (
    {{ exact_shares('mirrored', 'charge_date, charge_group_id, mirrored_group_id', 'member') }}
),

corrections as (
    select
        charge_date, charge_group_id, component, {{ entities() | join(', ') }}, share as effective_cost, scope,
        scope_key, weight, total_weight, 'Nanounits of what it corrects' as weight_unit,
        'mirror' as allocated_method_id, owner, entities_from
    from mirror_shares
    where share <> 0
    union all
    select
        charge_date,
        charge_group_id,
        'overhead',
        {{ none_entities }}
        amount,
        'correction',
        service_name,
        null,
        null,
        null,
        'overhead',
        null,
        known_from
    from spread
    where
        treatment = 'correction'
        and (
            mirrored_group_id is null
            or (charge_date, mirrored_group_id) not in (
                select (mirror_shares.charge_date, mirror_shares.mirrored_group_id) from mirror_shares
            )
        )
)

select
    attributed.charge_date,
    attributed.charge_group_id,
    charge_groups.source,
    charge_groups.billing_period,
    charge_groups.billing_currency,
    charge_groups.charge_category,
    charge_groups.treatment = 'correction' as is_correction,
    attributed.component,
    {% for entity in entities() %}attributed.{{ entity }}, {% endfor %}
    attributed.effective_cost::decimal(38, 12) as effective_cost,
    pools.pool,
    attributed.scope,
    attributed.scope_key,
    attributed.weight::decimal(38, 0) as weight,
    attributed.total_weight::decimal(38, 0) as total_weight,
    attributed.weight_unit,
    attributed.allocated_method_id,
    charge_groups.rule_id,
    charge_groups.rule_version,
    -- Who answers for it, who would share it by another scope, and which dimensions knew its entities.
    attributed.owner,
    charge_groups.sub_account_id,
    charge_groups.service_name,
    attributed.entities_from
from (
    select * from explained
    union all
    select * from corrections
) as attributed
inner join charge_groups on attributed.charge_group_id = charge_groups.charge_group_id
left join pools
    on attributed.charge_date = pools.charge_date and attributed.charge_group_id = pools.charge_group_id
