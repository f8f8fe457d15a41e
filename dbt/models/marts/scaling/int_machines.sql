-- One row a life of a machine: from when its states begin until they end. A machine that is provisioned
-- again has another life; where nothing is known of one for a while, it is as before.
{{ config(schema='intermediate', contract={'enforced': false}) }}
with marked as (
    select
        *,
        lag(state) over in_order is null
        or (
            state = 'provisioning'
            and lag(state) over in_order <> 'provisioning'
            and started_at >= max(ended_at) over before
        ) as is_new
    from {{ ref('int_resource_states') }}
    window
        in_order as (partition by resource_id order by started_at, ended_at, state, pod_uid, gpu_index, source),
        before as (
            partition by resource_id order by started_at, ended_at, state, pod_uid, gpu_index, source
            rows between unbounded preceding and 1 preceding
        )
),

numbered as (
    select
        *,
        sum(is_new::int) over (
            partition by resource_id order by started_at, ended_at, state, pod_uid, gpu_index, source
            rows unbounded preceding
        )::bigint as life
    from marked
),

states_in_order as (
    select
        *,
        {{ added_ms('resource_id, life, state') }} as added_ms,
        min(started_at) filter (where state = 'ready') over (partition by resource_id, life) as first_pod_ready_at,
        max(ended_at) filter (where state = 'ready') over (partition by resource_id, life) as last_pod_ready_at
    from numbered
),

lives as (
    select
        resource_id,
        life,
        coalesce(max(pool), '(none)') as pool,
        coalesce(max(gpu_count), max(gpu_index) + 1, 1) as gpus,
        min(started_at) as started_at,
        min(started_at) filter (where state in ('node_ready', 'starting', 'ready')) as ready_at,
        min(started_at) filter (where state = 'starting') as pod_starts_at,
        any_value(first_pod_ready_at) as first_pod_ready_at,
        max(ended_at) as ended_at,
        {{ state_ms('provisioning') }} as provision_ms,
        {{ state_ms('starting', 'coalesce(started_at < first_pod_ready_at, true)') }} as start_ms,
        {{ state_ms('terminating', 'coalesce(started_at >= last_pod_ready_at, true)') }} as drain_ms,
        bool_or(state = 'provisioning') as has_provisioning,
        bool_or(state = 'terminating' and pod_uid is null) as has_terminating
    from states_in_order
    group by resource_id, life
),

billed as (
    select
        resource_id,
        min(charge_period_end) as first_billed_until,
        max(charge_period_start) as last_billed_from
    from {{ ref('int_charge_groups') }}
    where treatment = 'capacity'
    group by resource_id
),

-- A machine that was billed before it was seen, or after it was last seen, was only not watched.
seen as (
    select
        lives.*,
        lives.has_provisioning
        or (
            lives.started_at > min(lives.started_at) over ()
            and coalesce(billed.first_billed_until > lives.started_at, false)
        ) as is_start_seen,
        lives.has_terminating
        or lives.life < max(lives.life) over (partition by lives.resource_id)
        or (
            lives.ended_at < max(lives.ended_at) over ()
            and coalesce(billed.last_billed_from < lives.ended_at, false)
        ) as is_end_seen
    from lives
    left join billed on lives.resource_id = billed.resource_id
),

with_policy as (
    select
        seen.*,
        coalesce(policies.minimum_replicas, 0) as minimum_replicas,
        {{ policy_ms('cooldown_s') }} as cooldown_ms,
        {{ policy_ms('drain_s') }} as policy_drain_ms,
        {{ policy_ms('warm_up_s') }} as warm_up_ms,
        {{ policy_ms('minimum_billing_s') }} as minimum_billing_ms
    from seen
    {{ join_scaling_policies('seen', 'seen.started_at::date') }}
),

-- A machine belongs to the pool's minimum from when fewer than that many older ones are there, until
-- it ends: the minimum-th of the older ones to be left ends then. They are looked for by the day: each
-- with each would be too many.
days_of_lives as (
    select
        pool,
        resource_id,
        life,
        started_at,
        ended_at,
        unnest(range(date_trunc('day', started_at), ended_at, interval 1 day)) as day
    from seen
    where pool in (select kept.pool from with_policy as kept where kept.minimum_replicas > 0)
),

older as (
    select
        with_policy.resource_id,
        with_policy.life,
        others.ended_at
    from with_policy
    inner join days_of_lives as others
        on
            with_policy.pool = others.pool
            and date_trunc('day', with_policy.started_at) = others.day
            and (others.started_at, others.resource_id, others.life)
            < (with_policy.started_at, with_policy.resource_id, with_policy.life)
            and others.ended_at > with_policy.started_at
    where with_policy.minimum_replicas > 0
    qualify row_number() over (
        partition by with_policy.resource_id, with_policy.life
        order by others.ended_at desc, others.resource_id asc, others.life asc
    ) = with_policy.minimum_replicas
)

select
    with_policy.* exclude (has_provisioning, has_terminating),
    case
        when with_policy.minimum_replicas = 0 then null
        else greatest(with_policy.started_at, coalesce(older.ended_at, with_policy.started_at))
    end as baseline_from
from with_policy
left join older on with_policy.resource_id = older.resource_id and with_policy.life = older.life
