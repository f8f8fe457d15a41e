"""What a customer, feature, workflow, team, model or environment cost on a day or in a period."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from difflib import get_close_matches
from itertools import islice

import duckdb

from models.errors import ConfigError
from pipelines.explain._charges import Part, group_nodes
from pipelines.explain._tree import Node, parent, with_children
from pipelines.money import shown

COMPONENTS = ("direct", "idle", "scaling", "shared", "overhead", "unmatched")
ENTITIES = {
    "customer": "customer_id",
    "feature": "feature",
    "workflow": "workflow",
    "team": "team",
    "model": "model",
    "environment": "environment",
}
PART = """
    select
        component,
        allocated_method_id as method,
        rule_id || ' version ' || rule_version as rule,
        charge_group_id,
        charge_date::varchar as day,
        sum(weight)::decimal(38, 0) as weight,
        max(total_weight) as total_weight,
        any_value(weight_unit) as weight_unit,
        sum(effective_cost)::decimal(38, 12) as effective_cost,
        billing_currency as currency
    from marts.allocated_costs
    where {condition}
    group by component, method, rule, charge_group_id, charge_date, currency
    order by abs(sum(effective_cost)) desc, charge_group_id, charge_date
"""


def entity_tree(
    connection: duckdb.DuckDBPyConnection,
    entity: str,
    name: str,
    day: str | None,
    period: str | None,
    limit: int,
) -> list[Node]:
    """Return a tree a currency: component, method, charge group, charge; they add up, exactly.

    An entity without a cost is a ConfigError.
    """
    when = "charge_date = $when::date" if day else "billing_period = $when"
    asked: dict[str, object] = {"name": name, "when": day or period}
    query = PART.format(condition=f"{ENTITIES[entity]} = $name and {when}")
    parts = read_parts(connection, query, asked)
    if not parts:
        raise ConfigError(_unknown(connection, entity, name, when, day or period or ""))
    title = f"{entity} {name}, {day or period}"
    by_currency: dict[str, list[Part]] = defaultdict(list)
    for part in parts:
        by_currency[part.currency].append(part)
    return [
        parent("total", title, component_nodes(connection, mine, limit))
        for _, mine in sorted(by_currency.items())
    ]


def read_parts(
    connection: duckdb.DuckDBPyConnection, query: str, asked: dict[str, object]
) -> list[Part]:
    """Return the parts that a query like PART finds."""
    return [Part(*row) for row in connection.execute(query, asked).fetchall()]


def component_nodes(
    connection: duckdb.DuckDBPyConnection, parts: Sequence[Part], limit: int
) -> list[Node]:
    """Return a node a component, with one for each method and rule in it."""
    methods: dict[tuple[str, str, str], list[Part]] = defaultdict(list)
    for part in parts:
        methods[part.component, part.method or "", part.rule or ""].append(part)
    nodes: dict[str, list[Node]] = defaultdict(list)
    shown = iter(group_nodes(connection, [p for m in methods.values() for p in m[:limit]], limit))
    for (component, method, rule), mine in methods.items():
        total = sum((part.effective_cost for part in mine), Decimal(0))
        label = f"{method}, rule {rule}" if rule else method
        node = Node("method", label, total, mine[0].currency, method=method, rule=rule or None)
        left_out = max(0, len(mine) - limit)
        groups = islice(shown, len(mine) - left_out)
        nodes[component].append(with_children(node, groups, left_out, "charge groups"))
    return [
        parent("component", component, nodes[component])
        for component in COMPONENTS
        if component in nodes
    ]


def derived(parts: Sequence[Part], shares: Sequence[Decimal]) -> list[Part]:
    """Return somebody's share of each part; the weights stay those of all with its entities."""
    return [_share(part, share) for part, share in zip(parts, shares, strict=True)]


def _share(part: Part, share: Decimal) -> Part:
    whole = part.effective_cost
    note = "" if share == whole else f"of {shown(whole)} that all with its entities have"
    return replace(part, effective_cost=share, note=note)


def _unknown(
    connection: duckdb.DuckDBPyConnection, entity: str, name: str, when: str, asked: str
) -> str:
    column = ENTITIES[entity]
    rows = connection.execute(
        f"select distinct {column} from marts.allocated_costs where {when}", {"when": asked}
    ).fetchall()
    known = sorted(row[0] for row in rows)
    if not known:
        return f"explain {entity} {name}: nothing has a cost on {asked}; try another day or period"
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"who has: {', '.join(known[:5])}, …"
    return f"explain {entity} {name}: has no cost on {asked}; {hint}"
