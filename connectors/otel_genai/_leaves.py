"""Leaves: the calls of a model that no other call repeats, with what each says of itself.

Two instrumentations of one call nest their spans. Where the inner one has no counts, those of the
nearest call above it are its own, if nothing else was called below that.
"""

import duckdb

from connectors.otel_genai import _names as names
from connectors.otel_genai._details import DETAILED, details_query

# Columns of a leaf that are no attributes.
LEAF_SPAN = (
    "trace_id", "span_id", "kind", "start_time_unix_nano", "end_time_unix_nano", "status_code",
    "trace_state", "scope_name", "first_token_unix_nano",
)  # fmt: skip

# The caller of a leaf is known, or it is where the walk ends: then another file may hold it. It may
# hold the known one too, delivered again.
_CALLER = """
    create temp table caller as
    with only_calls as (
        select ancestor_row from leaf_lineage where distance > 0
        group by ancestor_row having count(*) = 1
    )
    select
        lineage.x_row,
        coalesce(
            arg_min(caller.span_id, distance) filter (distance > 0 and caller.is_known),
            arg_max_null(lineage.parent_span_id, distance)
        ) as absent_parent_span_id,
        arg_min(caller.x_row, distance) filter (
            distance > 0 and caller.is_known and caller.has_usage
            and ancestor_row in (select ancestor_row from only_calls)
        ) as counting_row
    from leaf_lineage as lineage left join inference as caller
        on caller.x_row = lineage.ancestor_row
    group by lineage.x_row
"""
_COUNTED_ABOVE = """
    select caller.x_row, counting_row
    from caller inner join inference using (x_row)
    where counting_row is not null and not has_usage
"""


def create_leaves(connection: duckdb.DuckDBPyConnection, present: set[str]) -> None:
    """Create `leaf_span` of `leaf_lineage`; `present` are the names of attributes in the file."""
    connection.execute(_CALLER)
    details = details_query(present)
    if details:
        connection.execute(details)
    connection.execute(_leaf(present, "usage_detail" if details else None))
    if connection.execute(f"select count(*) from ({_COUNTED_ABOVE})").fetchone() != (0,):
        _count_above(connection, present, bool(details))


def _said(present: set[str], has_details: bool) -> str:
    """What a span says: counts in detail go before plain ones."""
    columns = {column: names.first(found, present=present) for column, found in names.LEAF.items()}
    if has_details:
        columns |= {name: f"coalesce(detail.{name}, {columns[name]})" for name in DETAILED}
    return ", ".join(f"{sql} as {column}" for column, sql in columns.items())


def _leaf(present: set[str], details: str | None) -> str:
    return f"""
    create temp table leaf_span as
    select
        span.x_row,
        {", ".join(f"span.{column}" for column in LEAF_SPAN)},
        operation_name,
        absent_parent_span_id,
        resource_id,
        {_said(present, details is not None)}
    from caller
    inner join inference on inference.x_row = caller.x_row
    inner join span on span.x_row = caller.x_row
    {f"left join {details} as detail on detail.x_row = span.x_row" if details else ""}
    """


def _count_above(
    connection: duckdb.DuckDBPyConnection, present: set[str], has_details: bool
) -> None:
    detail = "left join usage_detail as detail on detail.x_row = span.x_row" if has_details else ""
    connection.execute(f"""
        create temp table counted_above as
        select counted.x_row, {_said(present, has_details)}
        from ({_COUNTED_ABOVE}) as counted
        inner join span on span.x_row = counted.counting_row
        {detail}
    """)
    taken = ", ".join(f"{column} = counted_above.{column}" for column in names.TOKENS)
    connection.execute(f"""
        update leaf_span set {taken} from counted_above
        where counted_above.x_row = leaf_span.x_row
    """)
