-- One row a capacity charge group, state in which no request could run, and, where it was idle, gap of
-- its machine in the hour: what it cost. Idle between requests close to each other, or beside others on
-- the same machine, is one row without a gap. What corrects such a cost is a row without a state. `is_alone`:
-- no other gap of the machine begins or ends with it.
-- Adds up to the components idle and scaling of the day.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(
    materialized='daily_parquet', schema='intermediate', contract={'enforced': false}, meta={'day_hash': 'unused_hash'}
) }}
{%- set midnight = 'epoch_ms(cast(' ~ charge_date() ~ ' as timestamp))' %}
with owners as (
    select pool, arg_min(owner, priority) as owner
    from {{ ref('stg_lake__pools') }} as pools
    where owner is not null and {{ is_valid_on('pools', charge_date()) }}
    group by pool
),

unused as materialized (
    select
        row_number() over (order by shares.charge_group_id, shares.state) as idle_key,
        shares.*,
        rates.billing_currency,
        rates.gpu_count,
        if(shares.state in ('warm_idle', 'starting'), owners.owner, platform.owner) as owner,
        epoch_ms(rates.started_at) as s,
        epoch_ms(rates.ended_at) as e,
        rates.effective_cost as group_cost,
        rates.stoppable_cost as stoppable_group_cost
    from (
        select
            charge_group_id,
            resource_id,
            pool,
            state,
            sum(nanoseconds)::bigint as idle_nanoseconds,
            sum(effective_cost)::decimal(38, 12) as idle_cost
        from {{ ref('int_capacity_shares') }}
        where
            charge_date = {{ charge_date() }}
            and attempt_id is null
            and state in ('warm_idle', 'unrequested', 'provisioning', 'starting', 'terminating')
            and effective_cost <> 0
        group by all
    ) as shares
    inner join {{ ref('int_machine_rates') }} as rates on shares.charge_group_id = rates.charge_group_id
    left join owners on shares.pool = owners.pool
    left join owners as platform on platform.pool is null
),

idle as not materialized (
    select * from unused where state in ('warm_idle', 'unrequested')
),

{{ idle_pieces() }}, -- noqa: PRS

-- What no gap explains goes last.
weighted as (
    select
        parts.*,
        idle.idle_cost as amount,
        sum(parts.weight) over (partition by parts.idle_key) as total_weight
    from (
        select idle_key, s, e, nanoseconds as weight, s as member from pieces where nanoseconds > 0
        union all
        select
            idle.idle_key,
            null,
            null,
            greatest(0, idle.idle_nanoseconds - coalesce(sum(pieces.nanoseconds), 0)),
            9223372036854775807
        from idle
        left join pieces on idle.idle_key = pieces.idle_key
        group by idle.idle_key, idle.idle_nanoseconds
    ) as parts
    inner join idle on parts.idle_key = idle.idle_key
),

shares as (
    {{ exact_shares('weighted', 'idle_key', 'member') }}
)

select
    {{ charge_date() }} as charge_date,
    idle.charge_group_id,
    idle.resource_id,
    idle.pool,
    idle.owner,
    idle.billing_currency,
    'idle' as component,
    idle.state,
    false as is_correction,
    make_timestamp_ms(shares.s) as started_at,
    make_timestamp_ms(shares.e) as ended_at,
    -- Observed excess is scaled to what was billed.
    if(
        shares.total_weight <= idle.idle_nanoseconds,
        shares.weight,
        floor(idle.idle_nanoseconds * (shares.weight::double / shares.total_weight))
    )::bigint as nanoseconds,
    shares.share as effective_cost,
    {{ from_nano(floor_share(nano('shares.share'), nano('idle.stoppable_group_cost'), nano('idle.group_cost'))) }}
        as stoppable_cost,
    make_timestamp_ms(idle.s) as hour_started_at,
    make_timestamp_ms(idle.e) as hour_ended_at,
    -- Nothing else that is known of the machine is in step with it: nothing of the day, and it ends in it.
    shares.s > {{ midnight }} and shares.e < {{ midnight }} + 86400000
    and coalesce(max(shares.e) over before < shares.s, true)
    and coalesce(min(shares.s) over after > shares.e, true) as is_alone
from shares
inner join idle on shares.idle_key = idle.idle_key
where shares.weight > 0 or shares.share <> 0
window
    before as (
        partition by idle.resource_id order by shares.s, shares.e rows between unbounded preceding and 1 preceding
    ),
    after as (
        partition by idle.resource_id order by shares.s, shares.e rows between 1 following and unbounded following
    )
union all
select
    {{ charge_date() }},
    charge_group_id,
    resource_id,
    pool,
    owner,
    billing_currency,
    'scaling',
    state,
    false,
    null,
    null,
    idle_nanoseconds,
    idle_cost,
    null,
    make_timestamp_ms(s),
    make_timestamp_ms(e),
    null
from unused
where state not in ('warm_idle', 'unrequested')
union all
select
    charge_date,
    charge_group_id,
    null,
    coalesce(pool, scope_key, '(none)'),
    owner,
    billing_currency,
    component,
    null,
    true,
    null,
    null,
    0,
    sum(effective_cost)::decimal(38, 12),
    null,
    null,
    null,
    null
from {{ ref('int_costs_attributed') }}
where charge_date = {{ charge_date() }} and component in ('idle', 'scaling') and is_correction
group by all
