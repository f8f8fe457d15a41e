"""From a cost back to the charges that it is a part of, and to the file and row of each.

Every answer is a tree: what somebody cost, by component, by the rule or method that says so, by
charge group with weight ÷ total weight, by charge. The children of every node add up to it.
"""

import duckdb

from pipelines.explain._inference import inference_tree
from pipelines.explain._ledger import ENTITIES, entity_tree
from pipelines.explain._tree import Node, walk
from pipelines.reports import Report

__all__ = ["KINDS", "Node", "explain", "flat"]

KINDS = ("inference", *ENTITIES)
_COLUMNS = (
    *("node", "parent", "level", "label", "effective_cost", "currency", "method", "rule"),
    *("weight", "total_weight", "weight_unit", "charge_group_id", "delivered", "row"),
)


def explain(
    connection: duckdb.DuckDBPyConnection,
    kind: str,
    name: str,
    day: str | None,
    period: str | None,
    limit: int,
) -> list[Node]:
    """Return what a cost is made of, a tree a currency, with the dearest `limit` of every list.

    `kind` is one of KINDS; all but an inference need a day or a billing period. What is not known
    is a ConfigError.
    """
    if kind == "inference":
        return inference_tree(connection, name, day, limit)
    return entity_tree(connection, kind, name, day, period, limit)


def flat(trees: list[Node]) -> Report:
    """Return the trees as a table, a row a node: those with the same parent add up to it."""
    rows: list[list[object]] = []
    for tree in trees:
        first = len(rows)

        def add(node: Node, number: int, above: int | None, first: int = first) -> None:
            place = [first + number, first + above if above else None]
            rows.append([*place, *(getattr(node, column) for column in _COLUMNS[2:])])

        walk(tree, add)
    return Report("", _COLUMNS, rows)
