"""From a part of a charge group to the delivered rows: what was charged, and by which file."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

from pipelines.explain._tree import Node, apportion, with_children

# Of each line of the bill in a group, the dearest charges; a pool has the day's part of a line.
_CHARGES = """
    with charges as (
        select
            *,
            row_number() over (
                partition by charge_group_id, line_group_id
                order by abs(effective_cost) desc, x_delivery_id, x_file, x_row
            ) as position,
            count(*) over (partition by charge_group_id, line_group_id) as charges,
            sum(effective_cost) over (partition by charge_group_id, line_group_id) as charged
        from marts.charge_groups
        where charge_group_id in (select unnest($groups))
    )

    select
        charge_group_id,
        line_group_id,
        group_cost,
        charges,
        charged::decimal(38, 12) as charged,
        effective_cost,
        service_name,
        concat_ws(', ', charge_description, resource_id) as charge,
        charge_period_start,
        charge_period_end,
        x_delivery_id || '/' || x_file as delivered,
        x_row as row
    from charges
    where position <= $limit
    order by charge_group_id, abs(group_cost) desc, line_group_id, position
"""


@dataclass(frozen=True)
class Part:
    """What somebody has of a charge group on a day, and what earned it."""

    component: str
    method: str | None
    rule: str | None
    charge_group_id: str
    day: str
    weight: Decimal | None
    total_weight: Decimal | None
    weight_unit: str | None
    effective_cost: Decimal
    currency: str
    note: str = ""


@dataclass(frozen=True)
class _Line:
    """A line of the bill: its part of the group, and its dearest charges."""

    group_cost: Decimal
    charges: int
    charged: Decimal
    shown: Sequence[dict[str, Any]]


def group_nodes(
    connection: duckdb.DuckDBPyConnection, parts: Iterable[Part], limit: int
) -> list[Node]:
    """Return a node for each part, down to the delivered rows, the dearest `limit` of each."""
    parts = list(parts)
    lines = _lines(connection, sorted({part.charge_group_id for part in parts}), limit)
    return [_group_node(part, lines[part.charge_group_id], limit) for part in parts]


def _lines(
    connection: duckdb.DuckDBPyConnection, groups: list[str], limit: int
) -> dict[str, list[_Line]]:
    cursor = connection.execute(_CHARGES, {"groups": groups, "limit": limit})
    names = [item[0] for item in cursor.description or []]
    rows: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for values in cursor.fetchall():
        row = dict(zip(names, values, strict=True))
        rows[row["charge_group_id"], row["line_group_id"]].append(row)
    lines: dict[str, list[_Line]] = defaultdict(list)
    for (group, _), shown in rows.items():
        first = shown[0]
        lines[group].append(_Line(first["group_cost"], first["charges"], first["charged"], shown))
    return lines


def _group_node(part: Part, lines: list[_Line], limit: int) -> Node:
    node = Node(
        "group",
        _label(part, lines),
        part.effective_cost,
        part.currency,
        method=part.method,
        rule=part.rule,
        weight=part.weight,
        total_weight=part.total_weight,
        weight_unit=part.weight_unit,
        charge_group_id=part.charge_group_id,
    )
    costs = [line.group_cost for line in lines]
    shares = apportion(part.effective_cost, costs, sum(costs, Decimal(0)))
    if len(lines) == 1:
        return with_children(node, _charge_nodes(node, lines[0]), _hidden(lines[0]), "charges")
    shown = [_line_node(node, line, share) for line, share in zip(lines, shares, strict=True)]
    return with_children(node, shown[:limit], max(0, len(lines) - limit), "lines of the bill")


def _line_node(group: Node, line: _Line, share: Decimal) -> Node:
    first = line.shown[0]
    label = f"{first['service_name']}, {first['charge']}" if line.charges == 1 else _title(line)
    node = Node("line", label, share, group.currency)
    return with_children(node, _charge_nodes(node, line), _hidden(line), "charges")


def _charge_nodes(above: Node, line: _Line) -> list[Node]:
    costs = [row["effective_cost"] for row in line.shown]
    shares = apportion(above.effective_cost or Decimal(0), costs, line.charged)
    return [
        Node(
            "charge",
            f"{row['charge']}, charged {row['effective_cost'].normalize():f}",
            share,
            above.currency,
            delivered=row["delivered"],
            row=row["row"],
        )
        for row, share in zip(line.shown, shares, strict=True)
    ]


def _hidden(line: _Line) -> int:
    return line.charges - len(line.shown)


def _title(line: _Line) -> str:
    return f"{line.shown[0]['service_name']}, {line.charges} charges"


def _label(part: Part, lines: list[_Line]) -> str:
    if not lines:
        return part.note or part.charge_group_id
    first = lines[0].shown[0]
    what = f"{len(lines)} lines of the bill"
    if len(lines) == 1:
        what = f"{first['service_name']}, {first['charge']}"
    start, end = first["charge_period_start"], first["charge_period_end"]
    is_short = len(lines) == 1 and (end - start).days < 1
    when = f"{start:%Y-%m-%d %H:%M}" if is_short else part.day
    return ", ".join(filter(None, (part.note, what, when)))
