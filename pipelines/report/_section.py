"""A section of the report: one query, the rows it returns, and how they are shown."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from models.errors import ContractError

Row = Mapping[str, Any]
Picture = Callable[[Sequence[Row], str, str], str]
_QUERIES = Path(__file__).parent / "queries"
# What the rows of a section are divided by, so that nothing is summed across currencies.
_CURRENCY = "currency"
# What a picture needs to know of a row, and a reader does not.
_KIND = "kind"
_RELATION = re.compile(r"\b(?:from|join)\s+((?:marts|exports)\.\w+)")


@dataclass(frozen=True)
class Section:
    """What is asked, the picture, and what an empty answer means; its query is a file."""

    key: str
    title: str
    question: str
    empty: str
    picture: Picture | None = None
    # How a column is shown where its name does not say it.
    formats: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    def sql(self, period: str) -> str:
        """Return the query that answers it, of queries/."""
        text = (_QUERIES / f"{self.key}.sql").read_text(encoding="utf-8").strip()
        return text.replace("{period}", period)


@dataclass(frozen=True)
class Cell:
    """A figure as it is read, and as it is exactly; `exact` is empty for text."""

    shown: str
    exact: str = ""


@dataclass(frozen=True)
class Column:
    """A column of a table, with its heading; numbers stand at the right."""

    name: str
    heading: str
    is_number: bool


@dataclass(frozen=True)
class Panel:
    """The answer in one currency: a picture and its table."""

    currency: str
    picture: str
    columns: Sequence["Column"]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Answer:
    """A section with its rows; without any, `missing` says why."""

    section: Section
    sql: str
    panels: Sequence[Panel]
    missing: str = ""


def answer(connection: duckdb.DuckDBPyConnection, section: Section, period: str) -> Answer:
    """Ask the warehouse; what it does not have makes the section empty."""
    sql = section.sql(period)
    missing = _missing_relations(connection, sql)
    if missing:
        reason = f"This warehouse has no {', '.join(missing)}: `unitledger run` builds it."
        return Answer(section, sql, (), reason)
    try:
        cursor = connection.execute(sql)
    except duckdb.IOException as error:
        raise ContractError(
            f"{_first_line(error)}; `unitledger run --rebuild` makes it again"
        ) from None
    except duckdb.BinderException:
        reason = "This warehouse was built by another version: `unitledger run` builds it anew."
        return Answer(section, sql, (), reason)
    names = [item[0] for item in cursor.description or []]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    parts: dict[str, list[Row]] = {}
    for row in rows:
        parts.setdefault(row.get(_CURRENCY, ""), []).append(row)
    # What has most to tell comes first.
    ordered = sorted(parts.items(), key=lambda part: (-len(part[1]), part[0]))
    panels = [_panel(section, currency, mine) for currency, mine in ordered]
    return Answer(section, sql, panels, "" if rows else section.empty)


def _first_line(error: duckdb.Error) -> str:
    return str(error).strip().splitlines()[0]


def _missing_relations(connection: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    known = {
        row[0]
        for row in connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables"
        ).fetchall()
    }
    return sorted(set(_RELATION.findall(sql)) - known)


def _panel(section: Section, currency: str, rows: Sequence[Row]) -> Panel:
    key = f"{section.key}-{currency}" if currency else section.key
    title = f"{section.title}{f', {currency}' if currency else ''}; the table below has its numbers"
    picture = section.picture(rows, title, key) if section.picture else ""
    names = [name for name in rows[0] if name not in (_CURRENCY, _KIND)]
    kinds = [section.formats.get(name) or kind_of(name) for name in names]
    cells = [
        [cell(row[name], kind) for name, kind in zip(names, kinds, strict=True)] for row in rows
    ]
    return Panel(currency, picture, [_column(name, rows) for name in names], cells)


def _column(name: str, rows: Sequence[Row]) -> Column:
    is_number = any(isinstance(row[name], (Decimal, int, float)) for row in rows)
    return Column(name, name.replace("_", " "), is_number)


# --- figures ------------------------------------------------------------------------------------

_DIGITS = {"money": 2, "unit": 6, "hours": 2, "percent": 2, "count": 0}
_UNKNOWN = Cell("–")


def kind_of(name: str) -> str:
    """Return how a column is shown, by its name."""
    for ending, kind in (
        ("per_inference", "unit"),
        ("hours", "hours"),
        ("seconds", "count"),
        ("share", "percent"),
        ("coverage", "percent"),
        ("rate", "percent"),
        ("cost", "money"),
        ("revenue", "money"),
        ("amount", "money"),
        ("margin", "money"),
        ("estimate", "money"),
        ("difference", "money"),
        ("change", "money"),
    ):
        if name.endswith(ending):
            return kind
    return "count"


def cell(value: object, kind: str) -> Cell:
    """Return a value as it is read; unknown is a dash, never 0."""
    if value is None:
        return _UNKNOWN
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    if isinstance(value, (Decimal, int, float)):
        return Cell(shown(value, kind), plain(value))
    if isinstance(value, datetime):
        return Cell(f"{value:%Y-%m-%d %H:%M}")
    return Cell(value.isoformat() if isinstance(value, date) else str(value))


def shown(value: Decimal | int | float, kind: str = "money") -> str:
    """Return a number rounded for reading; what is not 0 is not shown as 0."""
    digits = _DIGITS.get(kind, 0)
    scaled = Decimal(str(value)) * (100 if kind == "percent" else 1)
    rounded = round(scaled, digits)
    if scaled and not rounded:
        least = Decimal(1).scaleb(-digits)
        return f"{'> −' if scaled < 0 else '< '}{least}{'%' if kind == 'percent' else ''}"
    text = f"{abs(rounded):,.{digits}f}{'%' if kind == 'percent' else ''}"
    return f"−{text}" if rounded < 0 else text


def plain(value: Decimal | int | float) -> str:
    """Return all digits of a number, without zeros at its end."""
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value)
