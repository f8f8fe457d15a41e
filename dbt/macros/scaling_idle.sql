{# CTEs that end with `pieces`: when a machine that was ready ran no request, cut at the hours of its
   bill. Needs `idle` (the day's idle cost by charge group and state) before it.
   Kept is what lasts at least a minute, or began before the first request of a pod, or touches
   midnight: what is shorter cannot be recovered. #}
{% macro idle_pieces() -%}
    {%- set midnight = 'epoch_ms(cast(' ~ charge_date() ~ ' as timestamp))' -%}
    {%- set next_midnight = '(' ~ midnight ~ ' + 86400000)' -%}
    {%- set at_least_ms = 60000 -%}
states as materialized (
    select
        resource_id,
        gpu_index,
        gpu_count,
        pod_uid,
        state,
        greatest(epoch_ms(started_at), {{ midnight }}) as s,
        least(epoch_ms(ended_at), {{ next_midnight }}) as e
    from {{ ref('stg_lake__resource_states') }}
    where
        started_at < cast({{ charge_date() }} as timestamp) + interval 1 day
        and ended_at > cast({{ charge_date() }} as timestamp)
        and resource_id in (select idle.resource_id from idle)
),

gpus as (
    select
        states.resource_id,
        coalesce(nullif(max(billed.gpu_count), 0), max(states.gpu_count), max(states.gpu_index) + 1, 1) as gpus
    from states
    inner join (
        select resource_id, max(gpu_count) as gpu_count
        from idle
        group by resource_id
    ) as billed on states.resource_id = billed.resource_id
    group by states.resource_id
),

pods as (
    select resource_id, pod_uid, min(s) as s, max(e) as e
    from states
    where pod_uid is not null
    group by resource_id, pod_uid
),

-- Requests of a pod that began within half a minute are one: no gap that counts between them is as short.
requests as (
    select pod_uid, min(epoch_ms(started_at) + coalesce(queued_ms, 0)) as s, max(epoch_ms(ended_at)) as e
    from {{ ref('stg_lake__attempts') }}
    where
        ended_at > cast({{ charge_date() }} as timestamp)
        and started_at < cast({{ charge_date() }} as timestamp) + interval 1 day
        and status not in ('rejected', 'cached')
        and pod_uid in (select pods.pod_uid from pods)
    group by pod_uid, epoch_ms(started_at) // 30000
),

-- What an engine or a GPU was seen to do without a traced request.
engine_samples as (
    select pod_uid, resource_id, epoch_ms(sampled_at) as s, epoch_ms(believed_until) as e
    from {{ ref('stg_lake__gauge_samples') }}
    where
        believed_until > cast({{ charge_date() }} as timestamp)
        and sampled_at < cast({{ charge_date() }} as timestamp) + interval 1 day
        and ((gauge = 'requests_running' and value > 0) or (gauge = 'gpu_active' and value >= 0.01))
),

marks as (
    select resource_id, s, e, state as kind from states
    union all
    select resource_id, s, e, 'held' from pods
    union all
    select pods.resource_id, requests.s, requests.e, 'busy'
    from requests
    inner join pods on requests.pod_uid = pods.pod_uid
    union all
    select coalesce(pods.resource_id, engine_samples.resource_id), engine_samples.s, engine_samples.e, 'busy'
    from engine_samples
    left join pods on engine_samples.pod_uid = pods.pod_uid
),

changes as (
    select
        resource_id,
        t
        {%- for kinds in [
            ['busy'], ['ready'], ['held'], ['node_ready'], ['starting', 'terminating', 'provisioning']
        ] %},
        sum(d) filter (where kind in ('{{ kinds | join("', '") }}')) as {{ kinds[0] }}
        {%- endfor %}
    from (
        select resource_id, greatest(s, {{ midnight }}) as t, 1 as d, kind from marks where e > s
        union all
        select resource_id, least(e, {{ next_midnight }}), -1, kind from marks where e > s
    ) as edges
    group by resource_id, t
),

-- Changes are sorted once, and those of a resource end with none of any kind: windows without an order
-- of their own pass over them as they come.
known as (
    select
        resource_id,
        t as s,
        case
            when sum(starting) over passed > 0 then 'scaling'
            when sum(busy) over passed > 0 then 'busy'
            when sum(ready) over passed > 0 then 'warm_idle'
            when sum(held) over passed > 0 then 'unknown'
            when sum(node_ready) over passed > 0 then 'unrequested'
            else 'unknown'
        end as state
    from (select * from changes order by resource_id, t) as sorted
    window passed as (rows unbounded preceding)
),

-- What is next to each other in one state is one; `was` is the state before it.
runs as (
    select *, if(lead(resource_id) over () = resource_id, lead(s) over (), null) as e
    from (
        select *, if(lag(resource_id) over () = resource_id, lag(state) over (), null) as was
        from known
    ) as told
    where state is distinct from was
),

gaps as (
    select resource_id, state, s, e
    from runs
    where
        state in ('warm_idle', 'unrequested')
        and (
            e - s >= {{ at_least_ms }} or was is distinct from 'busy'
            or s = {{ midnight }} or e = {{ next_midnight }}
        )
),

pieces as (
    select
        idle.idle_key,
        greatest(gaps.s, idle.s) as s,
        least(gaps.e, idle.e) as e,
        (least(gaps.e, idle.e) - greatest(gaps.s, idle.s)) * gpus.gpus * 1000000 as nanoseconds
    from gaps
    inner join idle
        on gaps.resource_id = idle.resource_id and gaps.state = idle.state and gaps.s < idle.e and gaps.e > idle.s
    inner join gpus on gaps.resource_id = gpus.resource_id
)
{%- endmacro %}
