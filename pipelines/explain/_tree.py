"""What explains a cost: a tree in which the children of every node add up to it, exactly."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal, localcontext

_UNIT = Decimal("1e-12")
# A money amount times a money amount, without losing a digit.
_DIGITS = 80


@dataclass(frozen=True)
class Node:
    """A cost and what it is made of. NULL is a cost that nobody knows, with a reason as its label.

    `weight` of `total_weight` is what earned it; `delivered` and `row` are where its charge came.
    """

    level: str
    label: str
    effective_cost: Decimal | None
    currency: str | None
    children: "tuple[Node, ...]" = ()
    method: str | None = None
    rule: str | None = None
    weight: Decimal | None = None
    total_weight: Decimal | None = None
    weight_unit: str | None = None
    charge_group_id: str | None = None
    delivered: str | None = None
    row: int | None = None


def parent(level: str, label: str, children: Iterable[Node]) -> Node:
    """Return the node that has the sum of its children; of unknown ones only, an unknown one."""
    kept = tuple(children)
    known = [child for child in kept if child.effective_cost is not None]
    total = _sum(known) if known else None
    return Node(level, label, total, known[0].currency if known else None, kept)


def with_children(node: Node, children: Iterable[Node], left_out: int, what: str) -> Node:
    """Return a node with its children; what they do not add up to is a last child that says so."""
    kept = tuple(children)
    rest = (node.effective_cost or Decimal(0)) - _sum(kept)
    if left_out or rest:
        label = f"{left_out} more ({what})" if left_out else f"cannot be told apart by {what}"
        kept += (Node("rest", label, rest, node.currency),)
    return replace(node, children=kept)


def _sum(nodes: Iterable[Node]) -> Decimal:
    return sum((node.effective_cost or Decimal(0) for node in nodes), Decimal(0))


def apportion(amount: Decimal, weights: Sequence[Decimal], total: Decimal) -> list[Decimal]:
    """Return each weight's part of the amount, to 12 decimals toward 0.

    Where the weights are all of the total, the remainder goes to the heaviest of them.
    """
    if not total:
        return [Decimal(0) for _ in weights]
    with localcontext() as context:
        context.prec = _DIGITS
        parts = [(amount * weight / total).quantize(_UNIT, ROUND_DOWN) for weight in weights]
        if weights and sum(weights) == total:
            heaviest = max(range(len(weights)), key=lambda index: abs(weights[index]))
            parts[heaviest] += amount - sum(parts)
    return parts


def walk(node: Node, visit: Callable[[Node, int, int | None], None]) -> None:
    """Visit every node, parents first, with its number and its parent's."""
    numbers = iter(range(1, 10**9))

    def go(current: Node, above: int | None) -> None:
        number = next(numbers)
        visit(current, number, above)
        for child in current.children:
            go(child, number)

    go(node, None)
