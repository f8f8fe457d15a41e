{# CTEs that end with `shares`, `state_ticks` and `ghosts`: one sorted pass over the starts and ends of
   requests (`pieces`) and of what is known of their lanes. Needs `pieces`, `spans`, `active_spans`,
   `widths` and `lane_hours` before it. F is in whole numbers: their sums do not depend on the order,
   and what is divided loses nothing. #}
{% macro busy_time() -%}
    {%- set unit = '19342813113834066795298816::double' -%}
    {%- set low = '18446744073709551615::hugeint' -%}
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
        end + 8 * greatest(0, sum(width) over state_order)::int as state_code
    from edges
    window state_order as (partition by lane order by t, d, width, state rows unbounded preceding)
),

-- Events have a total order: time, key, state, sign.
events as (
    select lane, s as t, attempt_key as k, 1 as d, phi, 0 as code from pieces
    union all
    select lane, e, attempt_key, -1, -phi, 0 from pieces
    union all
    select lane, s, 0, 0, 0, state_code from timeline where e > s
    union all
    select lane, e, 0, 0, 0, -state_code from timeline where e > s
),

-- The events are sorted once: windows without an order of their own pass over them as they come. Every
-- lane's changes add up to 0, so that no lane begins with anything of the one before it.
running as (
    select
        *,
        lead(t) over () - t as dt,
        (sum(d) over passed)::int as active,
        sum(phi) over passed as total_phi,
        (sum(code) over passed)::int as state_code
    from (select * from events order by lane, t, k, code, d)
    window passed as (rows unbounded preceding)
),

-- Time in parts of a GPU: milliseconds × parts of the lane.
timed_parts as (
    select
        lane,
        k,
        d,
        phi,
        active,
        total_phi,
        dt * (state_code >> 3) as ticks,
        state_code & 7 as state,
        active > 0 and ticks > 0 and state <= 3 as is_shared
    from running
),

gained_f as (
    select
        lane,
        k,
        d,
        phi,
        ticks,
        state,
        is_shared,
        if(is_shared, (ticks * {{ unit }} / total_phi)::hugeint, 0) as f,
        if(is_shared, (ticks * {{ unit }} / active)::hugeint, 0) as equal_f
    from timed_parts
),

-- F before each event, from the first lane on, in two halves: together they could be too long.
integrated as materialized (
    select
        lane,
        k,
        d,
        phi,
        ticks,
        state,
        is_shared
        {%- for f in ['f', 'equal_f'] %},
        sum({{ f }} >> 64) over passed - ({{ f }} >> 64) as {{ f }}_high,
        sum({{ f }} & {{ low }}) over passed - ({{ f }} & {{ low }}) as {{ f }}_low
        {%- endfor %}
    from gained_f
    window passed as (rows unbounded preceding)
),

shares as (
    select
        lane,
        k as member,
        max(phi) as phi,
        max(phi) * ({{ gained_f('f') }}::double / {{ unit }}) as ticks,
        {{ gained_f('equal_f') }}::double / {{ unit }} as equal_ticks
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
    from integrated
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

{# By how much F grew between the two events of a lane's request. #}
{% macro gained_f(f) -%}
    (
            sum(if(d < 0, {{ f }}_high, -{{ f }}_high)) * 18446744073709551616::hugeint
            + sum(if(d < 0, {{ f }}_low, -{{ f }}_low))
        )
{%- endmacro %}
