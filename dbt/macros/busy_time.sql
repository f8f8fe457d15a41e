{# CTEs that end with `shares`, `state_ticks` and `ghosts`: one sorted pass over the starts and ends of
   requests (`pieces`) and of what is known of their lanes. Needs `pieces`, `spans`, `active_spans`,
   `widths` and `lane_hours` before it. F is in whole numbers: their sums do not depend on the order,
   and what is divided loses nothing. #}
{% macro busy_time() -%}
    {%- set unit = '19342813113834066795298816::double' -%}
edges as (
    select lane, s as t, state, 1 as d, 0 as width from spans
    union all
    select lane, e, state, -1, 0 from spans
    union all
    select lane, s, state, 1, 0 from active_spans
    union all
    select lane, e, state, -1, 0 from active_spans
    union all
    select lane, t, null, 0, width from widths
),

-- Busy are the first four where a request runs, and the engine's own activity where none does; in
-- scaling, from 4 on, nothing counts as busy.
timeline as (
    select
        lane,
        t as s,
        lead(t) over state_order as e,
        case
            when sum(d) filter (where state = 'terminating') over state_order > 0 then 6
            when sum(d) filter (where state = 'provisioning') over state_order > 0 then 5
            when sum(d) filter (where state = 'starting') over state_order > 0 then 4
            when sum(d) filter (where state = 'active') over state_order > 0 then 3
            when sum(d) filter (where state = 'ready') over state_order > 0 then 0
            when sum(d) filter (where state = 'held') over state_order > 0 then 2
            when sum(d) filter (where state = 'node_ready') over state_order > 0 then 1
            else 2
        end + 8 * greatest(0, sum(width) over state_order) as state_code
    from edges
    window state_order as (partition by lane order by t, d, width, state rows unbounded preceding)
),

-- Events have a total order (time, key, sign): windows that break ties differently would disagree.
events as (
    select lane, s as t, attempt_key as k, 1 as d, phi, 0 as code from pieces
    union all
    select lane, e, attempt_key, -1, -phi, 0 from pieces
    union all
    select lane, s, 0, 0, 0, state_code from timeline where e > s
    union all
    select lane, e, 0, 0, 0, -state_code from timeline where e > s
),

running as (
    select
        lane,
        t,
        k,
        d,
        phi,
        code,
        lead(t) over event_order - t as dt,
        sum(d) over event_order as active,
        sum(phi) over event_order as total_phi,
        sum(code) over event_order as state_code
    from events
    window event_order as (partition by lane order by t, k, code, d rows unbounded preceding)
),

-- Time in parts of a GPU: milliseconds × parts of the lane.
timed_parts as (
    select
        * exclude (state_code, dt),
        dt * (state_code >> 3) as ticks,
        state_code & 7 as state,
        active > 0 and ticks > 0 and state <= 3 as is_shared
    from running
),

integrated as (
    select
        *,
        coalesce(sum(case when is_shared then (ticks * {{ unit }} / total_phi)::hugeint end) over past, 0) as f,
        coalesce(sum(case when is_shared then (ticks * {{ unit }} / active)::hugeint end) over past, 0) as equal_f
    from timed_parts
    window past as (
        partition by lane order by t, k, code, d rows between unbounded preceding and 1 preceding
    )
),

shares as (
    select
        lane,
        k as member,
        max(phi) as phi,
        max(phi) * ((max(f) - min(f))::double / {{ unit }}) as ticks,
        (max(equal_f) - min(equal_f))::double / {{ unit }} as equal_ticks
    from integrated
    where k > 0
    group by lane, k
),

state_ticks as (
    select
        lane,
        is_shared,
        state,
        sum(ticks)::bigint as ticks,
        is_shared or state <> 2 as is_observed
    from timed_parts
    where ticks > 0
    group by lane, is_shared, state
),

-- What was counted but not traced takes its part of the weighted tokens from all that ran: requests
-- whose traces were lost ran when others did. What the engine was seen to do alone is its, too.
ghosts as (
    select
        state_ticks.lane,
        any_value(lane_hours.untraced_tokens) * (
            coalesce(sum(state_ticks.ticks) filter (where state_ticks.is_shared), 0) / sum(state_ticks.ticks)::double
        ) as tokens_beside,
        tokens_beside / nullif(any_value(lane_hours.traced_tokens) + tokens_beside, 0) as part
    from state_ticks
    inner join lane_hours on state_ticks.lane = lane_hours.lane
    where lane_hours.untraced_tokens > 0 and (state_ticks.is_shared or state_ticks.state = 3)
    group by state_ticks.lane
)
{%- endmacro %}
