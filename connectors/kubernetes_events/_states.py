"""States of machines and pods, from what is written on them and not from events."""

from connectors.kubernetes_events._machines import seen
from connectors.kubernetes_events._options import KubernetesOptions

# What was not ready for long may have been ready before: a turn is kept, the first is not.
_STATES = """
    machine_lives as (
        select
            *,
            coalesce(launched_at, registered_at) as begins_at,
            least(terminating_at, gone_at, coalesce(gone_at, held_until)) as ends_at
        from machines
    ),
    machine_turns as (
        select
            resource_id, turned_at, is_ready,
            lead(turned_at) over (
                partition by resource_id order by turned_at, is_ready
            ) as next_at,
            row_number() over (partition by resource_id order by turned_at, is_ready) as turn
        from (
            select distinct resource_id, turned_at, is_ready
            from nodes
            where resource_id is not null and turned_at is not null
        )
    ),
    machine_states as (
        select
            resource_id, null::varchar as pod_uid, 'provisioning' as state,
            begins_at as starts,
            case
                when initialized_at is not null then least(initialized_at, ends_at)
                when turn.is_ready then least(turn.turned_at, ends_at)
                else least(coalesce(turn.next_at, ends_at), ends_at)
            end as ends
        from machine_lives as machine
        left join machine_turns as turn using (resource_id)
        where
            coalesce(turn.turn, 1) = 1
            and (is_claimed or turn.turned_at - registered_at <= {startup_limit})
        union all
        select
            resource_id, null, 'node_ready',
            greatest(turned_at, initialized_at), least(next_at, ends_at)
        from machine_lives
        inner join machine_turns using (resource_id)
        where is_ready
        union all
        select
            resource_id, null, 'terminating', terminating_at, coalesce(gone_at, held_until)
        from machine_lives
    ),
    pod_lives as (
        select
            *,
            if(finished_at <= deleted_at, null, deleted_at) as terminating_at,
            least(deleted_at, finished_at, coalesce(gone_at, held_until)) as ends_at
        from pods
        where resource_id is not null and scheduled_at is not null
    ),
    pod_turns as (
        select
            uid, turned_at, is_ready,
            lead(turned_at) over (partition by uid order by turned_at, is_ready) as next_at,
            row_number() over (partition by uid order by turned_at, is_ready) as turn
        from (select distinct uid, turned_at, is_ready from pod where turned_at is not null)
    ),
    pod_states as (
        select
            resource_id, uid as pod_uid, 'starting' as state, scheduled_at as starts,
            least(turned_at, ends_at) as ends
        from pod_lives inner join pod_turns using (uid)
        where turn = 1 and restarts = 0 and turned_at - scheduled_at <= {startup_limit}
        union all
        select
            resource_id, uid, if(is_ready, 'ready', 'starting'),
            greatest(turned_at, scheduled_at), least(next_at, ends_at)
        from pod_lives inner join pod_turns using (uid)
        union all
        select
            resource_id, uid, 'terminating', terminating_at, coalesce(gone_at, held_until)
        from pod_lives
    ),
    -- On a machine with GPUs only who asks for one has a part of it.
    shares as (
        select
            pods.uid as pod_uid,
            pods.model,
            machines.gpus > 0 and pods.gpus = 0 and pods.sevenths = 0 as has_no_part,
            case
                when machines.gpus is null then null
                when machines.gpus = 0 then greatest(pods.millicores, 1)
                when machines.is_sliced then pods.sevenths
                    + pods.gpus * coalesce(cast(machines.single_profile as bigint), 7)
                when pods.gpus < machines.gpus * machines.replicas then pods.gpus
            end as slots,
            case
                when slots is null then null
                when machines.gpus = 0 then machines.millicores
                when machines.is_sliced then 7 * machines.gpus * machines.replicas
                else machines.gpus * machines.replicas
            end as slots_of
        from pods inner join machines on pods.resource_id = machines.resource_id
    ),
    all_states as (
        select * from machine_states
        union all
        select * from pod_states
    ),
    days as (
        select *, unnest(range(date_trunc('day', starts), ends, interval 1 day)) as day
        from all_states
        where starts < ends
    )
    select
        days.resource_id,
        nullif(machines.gpus, 0) as gpu_count,
        shares.slots,
        shares.slots_of,
        machines.pool,
        days.pod_uid,
        shares.model,
        days.state,
        greatest(starts, day) as started_at,
        least(ends, day + interval 1 day) as ended_at,
        coalesce(pods.x_file, machines.x_file) as x_file,
        coalesce(pods.x_row, machines.x_row) as x_row
    from days
    inner join machines on days.resource_id = machines.resource_id
    left join pods on days.pod_uid = pods.uid
    left join shares on days.pod_uid = shares.pod_uid
    where not coalesce(shares.has_no_part, false)
    order by started_at, resource_id, pod_uid nulls first, state, ended_at
"""


def states(options: KubernetesOptions) -> str:
    """Return the SQL of the states, a row a state and UTC day."""
    limit = f"interval {options.startup_limit_minutes} minute"
    seen_objects = seen(options)
    query = f"with {seen_objects}, {_STATES.format(startup_limit=limit)}"
    return query if options.states else f"select * from ({query}) where false"
