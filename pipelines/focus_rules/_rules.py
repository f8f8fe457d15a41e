"""Rules as they are written in rules.yml, and which of them a file can be asked."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from models.tables import CHARGES

_FOLDER = Path(__file__).parent
# What FOCUS 1.4 has that the lake's charges do not.
_LATER = ("CommitmentProgramEligibilityDetails", "ContractApplied", "InvoiceDetailId")
_WORD = re.compile(r"\b(?:raw_)?[A-Z]\w+\b")


def focus_name(column: str) -> str:
    """Return the FOCUS name of a column of the lake: billed_cost → BilledCost."""
    return "".join(word.capitalize() for word in column.split("_"))


# The kind of each FOCUS column, of all versions since 1.0: text, number or time.
COLUMN_KINDS = {
    **{
        focus_name(column.name): {"varchar": "text", "timestamp": "time"}.get(column.type, "number")
        for column in CHARGES.columns
        if not column.name.startswith("x_")
    },
    **dict.fromkeys(_LATER, "text"),
}


@dataclass(frozen=True)
class Condition:
    """The SQL of a broken row, and the columns that it reads."""

    sql: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """One rule. `where` is true of a row that breaks it; `query` returns what breaks it."""

    id: str
    protects: str
    where: str = ""
    each: tuple[str, ...] = ()
    query: str = ""

    def conditions(self, names: frozenset[str]) -> Iterator[Condition]:
        """Return the rule's condition, for each of its columns, as far as the file has them."""
        sqls = [self.where.format(column=column) for column in self.each] or [self.where]
        for sql in sqls:
            columns = tuple(dict.fromkeys(_columns(sql)))
            if names.issuperset(columns):
                yield Condition(sql, columns)

    def condition(self, names: frozenset[str]) -> str:
        """Return the SQL of all its conditions together."""
        return " or ".join(f"({condition.sql})" for condition in self.conditions(names))

    def applies(self, names: frozenset[str]) -> bool:
        """Tell whether the file has the columns that the rule is about."""
        if self.query:
            return names.issuperset(_columns(self.query))
        return any(True for _ in self.conditions(names))


def _columns(sql: str) -> Iterable[str]:
    """Return the FOCUS columns that SQL names, outside its quotes."""
    words = _WORD.findall(re.sub(r"'[^']*'", "", sql))
    return [word for word in words if word.removeprefix("raw_") in COLUMN_KINDS]


def _load() -> tuple[Rule, ...]:
    rules = yaml.safe_load((_FOLDER / "rules.yml").read_text(encoding="utf-8"))
    return tuple(
        Rule(**{**rule, "protects": " ".join(rule["protects"].split()), "each": _each(rule)})
        for rule in rules
    )


def _each(rule: dict[str, object]) -> tuple[str, ...]:
    """Return the columns that a rule is repeated for: a list, or all of a kind."""
    each = rule.get("each", ())
    if isinstance(each, str):
        return tuple(name for name, kind in COLUMN_KINDS.items() if kind == each)
    assert isinstance(each, list | tuple)
    return tuple(each)


RULES = _load()
LISTS = yaml.safe_load((_FOLDER / "lists.yml").read_text(encoding="utf-8"))
