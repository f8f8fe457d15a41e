"""Calls that no other call repeats: a record with a model call below it only repeats that one."""

from connectors._usage.map import UsageMap
from connectors._usage.problems import OPERATIONS

_LEAVES = """
    parents as materialized (
        select {trace} as trace, {span} as span, min({parent}) as parent
        from record where {parent} is not null group by 1, 2
    ),
    calls as materialized (
        select trace_id, span_id, min(parent_span_id) as parent
        from answered where operation_name in {operations} and parent_span_id is not null
        group by 1, 2
    ),
    walk as materialized (
        with recursive up as (
            select trace_id, span_id, parent as ancestor, 1 as distance from calls
            union all
            select up.trace_id, up.span_id, parents.parent, up.distance + 1
            from up inner join parents
                on parents.trace = up.trace_id and parents.span = up.ancestor
            where up.distance < 100 and parents.parent <> up.span_id
        )
        select up.*, calls.span_id is not null as is_call, known.span is not null as is_known
        from up
        left join (
            select distinct trace_id, span_id from answered where operation_name in {operations}
        ) as calls on calls.trace_id = up.trace_id and calls.span_id = up.ancestor
        left join (select distinct {trace} as trace, {span} as span from record)
            as known on known.trace = up.trace_id and known.span = up.ancestor
    ),
    callers as (
        select trace_id, span_id, coalesce(
            arg_min(ancestor, distance) filter (is_call),
            arg_max(ancestor, distance) filter (not is_known)
        ) as absent_parent_span_id
        from walk group by trace_id, span_id
    ),
    leaf as (
        select answered.*, callers.absent_parent_span_id
        from answered
        anti join (select trace_id, ancestor as span_id from walk where is_call) as repeating
            using (trace_id, span_id)
        left join callers using (trace_id, span_id)
    ),
"""


_REPEATS = """
    leaf as (
        select answered.*
        from answered anti join (
            select inside.x_file, inside.x_row
            from answered as inside inner join answered as around
                on inside.repeated_equal = around.repeated_equal
                and around.started_at <= inside.started_at
                and inside.ended_at <= around.ended_at
            where inside.is_inner and around.is_outer
        ) as repeating using (x_file, x_row)
    ),
"""


def leaves(map_: UsageMap) -> str:
    """Return the CTEs that leave out what repeats other calls, where the map can tell it."""
    given = map_.attempts
    if map_.repeats:
        return _REPEATS
    if "parent_span_id" not in given:
        return "leaf as (select * from answered),"
    span = given["span_id"]
    return _LEAVES.format(
        trace=f"coalesce({given.get('trace_id', 'null')}, {span})",
        span=span,
        parent=given["parent_span_id"],
        operations=OPERATIONS,
    )
