"""What one inference cost: its own tokens and GPU time, and its part of what is shared."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

import duckdb

from models.errors import ConfigError
from models.tables import TOKEN_TYPES
from pipelines.explain._charges import Part, group_nodes
from pipelines.explain._ledger import ENTITIES, PART, component_nodes, derived, read_parts
from pipelines.explain._tree import Node, apportion, parent, with_children

_SHARED = ("idle", "scaling", "shared", "overhead")

_ATTEMPTS = """
    select *
    from marts.attempt_costs
    where $name in (inference_id, attempt_id) and ($day is null or charge_date = $day::date)
    order by charge_date, ended_at, attempt_id
"""

# A token bucket of an attempt, its line on the bill, and what the tokens are weighed against.
_TOKENS = """
    with attempts as (
        select *
        from marts.attempt_costs
        where attempt_id = $attempt and charge_date = $day::date
    ),

    buckets as ({buckets}),

    weighed as (
        select
            charge_group_id,
            any_value(allocated_method_id) as method,
            any_value(rule_id || ' version ' || rule_version) as rule,
            max(total_weight) as total_weight,
            any_value(weight_unit) as weight_unit
        from marts.allocated_costs
        where
            charge_date = $day::date
            and component = 'direct'
            and charge_group_id in (select buckets.charge_group_id from buckets)
        group by charge_group_id
    )

    select
        'direct',
        weighed.method,
        weighed.rule,
        buckets.charge_group_id,
        $day,
        buckets.tokens::decimal(38, 0),
        weighed.total_weight,
        weighed.weight_unit,
        buckets.cost,
        buckets.currency,
        buckets.note
    from buckets
    left join weighed on buckets.charge_group_id = weighed.charge_group_id
    order by abs(buckets.cost) desc, buckets.note
"""
_BUCKET = """
    select
        lines.{bucket}_group_id as charge_group_id,
        attempts.{bucket}_tokens as tokens,
        attempts.{bucket}_cost as cost,
        attempts.billing_currency as currency,
        '{name}' as note
    from attempts
    inner join intermediate.int_token_lines as lines
        on attempts.token_line_id = lines.token_line_id
    where attempts.{bucket}_cost is not null
"""

_CAPACITY = """
    select
        'direct',
        'busy-time',
        any_value(charge_groups.rule_id || ' version ' || charge_groups.rule_version),
        shares.charge_group_id,
        $day,
        sum(shares.nanoseconds)::decimal(38, 0),
        any_value(shares.billed_nanoseconds)::decimal(38, 0),
        'Nanoseconds',
        sum(shares.effective_cost)::decimal(38, 12),
        any_value(charge_groups.billing_currency),
        'busy time of its GPUs'
    from intermediate.int_capacity_shares as shares
    inner join intermediate.int_charge_groups as charge_groups
        on shares.charge_group_id = charge_groups.charge_group_id
    where shares.attempt_id = $attempt and shares.charge_date = $day::date
    group by shares.charge_group_id
    order by sum(shares.effective_cost) desc, shares.charge_group_id
"""

_LOADED = """
    select idle_cost, scaling_cost, shared_cost, overhead_cost
    from marts.attempt_loaded_costs
    where attempt_id = $attempt and charge_date = $day::date
"""


def inference_tree(
    connection: duckdb.DuckDBPyConnection, name: str, day: str | None, limit: int
) -> list[Node]:
    """Return a tree a currency: what its attempts cost directly, and what is derived beside it.

    `name` is an inference's id or an attempt's. An unknown one is a ConfigError.
    """
    attempts = _dicts(connection, _ATTEMPTS, {"name": name, "day": day})
    if not attempts:
        raise ConfigError(
            f"explain inference {name}: no attempt{f' on {day}' if day else ''} has this id; "
            'ids are what `unitledger query "select inference_id from marts.inference_costs '
            'limit 5"` shows'
        )
    direct: dict[str | None, list[Node]] = defaultdict(list)
    loads: dict[str | None, list[Part]] = defaultdict(list)
    known = [attempt["billing_currency"] for attempt in attempts if attempt["billing_currency"]]
    for attempt in attempts:
        # What has no cost stands with what has one.
        currency = attempt["billing_currency"] or min(known, default=None)
        direct[currency].append(_attempt_node(connection, attempt, limit))
        loads[currency] += _shared_parts(connection, attempt)
    return [
        _total(connection, f"inference {name}", nodes, loads[currency], limit)
        for currency, nodes in sorted(direct.items(), key=lambda item: item[0] or "")
    ]


def _total(
    connection: duckdb.DuckDBPyConnection,
    title: str,
    direct: list[Node],
    loads: list[Part],
    limit: int,
) -> Node:
    nodes = [parent("component", "direct", direct)]
    if loads:
        shown = component_nodes(connection, loads, limit)
        label = "derived: its part of what was shared with its entities on the day"
        nodes.append(parent("derived", label, shown))
    return parent("total", title, nodes)


def _attempt_node(
    connection: duckdb.DuckDBPyConnection, attempt: dict[str, Any], limit: int
) -> Node:
    what = (attempt["response_model"] or attempt["request_model"], attempt["status"])
    label = ", ".join(
        [f"attempt {attempt['attempt_id']}", *filter(None, what), str(attempt["charge_date"])]
    )
    if attempt["direct_cost"] is None:
        label += f": no cost, {attempt['unpriced_reason']}"
        return Node("attempt", label, None, attempt["billing_currency"])
    node = Node("attempt", label, attempt["direct_cost"], attempt["billing_currency"])
    asked = _asked(attempt)
    parts = read_parts(connection, _TOKENS.format(buckets=_buckets()), asked)
    parts += read_parts(connection, _CAPACITY, asked)
    shown = group_nodes(connection, parts[:limit], limit)
    return with_children(node, shown, max(0, len(parts) - limit), "charge groups")


def _buckets() -> str:
    return " union all ".join(
        _BUCKET.format(bucket=bucket, name=bucket.replace("_", " ")) for bucket in TOKEN_TYPES
    )


def _shared_parts(connection: duckdb.DuckDBPyConnection, attempt: dict[str, Any]) -> list[Part]:
    """Return the attempt's part of each group that was shared with its entities on its day."""
    loaded = _dicts(connection, _LOADED, _asked(attempt))
    names = " and ".join(f"{column} = ${column}" for column in ENTITIES.values())
    condition = (
        f"charge_date = $day::date and billing_currency = $currency and component = $component "
        f"and {names}"
    )
    entities = {column: attempt[column] for column in ENTITIES.values()}
    asked = entities | {"day": str(attempt["charge_date"]), "currency": attempt["billing_currency"]}
    found: list[Part] = []
    for component in _SHARED:
        cost = loaded[0][f"{component}_cost"] if loaded else None
        if cost:
            query = PART.format(condition=condition)
            parts = read_parts(connection, query, asked | {"component": component})
            costs = [part.effective_cost for part in parts]
            found += derived(parts, apportion(cost, costs, sum(costs, Decimal(0))))
    return found


def _asked(attempt: dict[str, Any]) -> dict[str, object]:
    return {"attempt": attempt["attempt_id"], "day": str(attempt["charge_date"])}


def _dicts(
    connection: duckdb.DuckDBPyConnection, query: str, asked: dict[str, object]
) -> list[dict[str, Any]]:
    cursor = connection.execute(query, asked)
    names = [item[0] for item in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
