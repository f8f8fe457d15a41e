"""From the rows of a section to its picture."""

from collections.abc import Sequence
from decimal import Decimal

from pipelines.report._plots import Bar, Series, bars, columns
from pipelines.report._section import Picture, Row, kind_of, shown

_TOTAL, _PART, _MORE, _LESS = 0, 5, 1, 4
_NOTHING = Decimal(0)
# Of a list, the picture shows the first.
_SHOWN = 12


def waterfall(name: str, amount: str, each: str = "") -> Picture:
    """Draw rows with a `kind`: a total begins at 0, a change moves on from what is above it, and
    parts fill the last total from its start. `each` is said beside the amount."""

    def draw(rows: Sequence[Row], title: str, key: str) -> str:
        return bars(_steps(rows, name, amount, each), title, key)

    return draw


def _steps(rows: Sequence[Row], name: str, amount: str, each: str) -> list[Bar]:
    level, steps, is_in_parts = _NOTHING, [], False
    for row in rows:
        value, kind = row[amount] or _NOTHING, row["kind"]
        if kind == "total" or (kind == "part" and not is_in_parts):
            level = _NOTHING
        is_in_parts = kind == "part"
        style = {"total": _TOTAL, "part": _PART}.get(kind, _MORE if value >= 0 else _LESS)
        number = ("+" if kind == "change" and value > 0 else "") + shown(value, kind_of(amount))
        steps.append(Bar(str(row[name]), number + _beside(row, each), level, value, style))
        level += value
    return steps


def _beside(row: Row, name: str) -> str:
    if not name or row[name] is None:
        return ""
    kind = kind_of(name)
    return f" ({shown(row[name], kind)}{' each' if kind == 'unit' else ''})"


def ranking(name: str, amount: str, beside: str = "", unit: str = "") -> Picture:
    """Draw the first rows as bars from 0; the table has all of them, those without money too."""

    def draw(rows: Sequence[Row], title: str, key: str) -> str:
        known = [row for row in rows if row[amount]][:_SHOWN]
        kind = kind_of(amount)
        items = [
            Bar(
                str(row[name]),
                shown(row[amount], kind) + unit + _beside(row, beside),
                _NOTHING,
                row[amount],
                _TOTAL if row[amount] >= 0 else _LESS,
            )
            for row in known
        ]
        return bars(items, title, key) if items else ""

    return draw


def stacked(name: str, parts: Sequence[str], unit: str, group: str = "") -> Picture:
    """Draw a column a row, made of the named columns; one picture for each value of `group`."""

    def draw(rows: Sequence[Row], title: str, key: str) -> str:
        pictures = []
        for number, value in enumerate(dict.fromkeys(row[group] if group else "" for row in rows)):
            mine = [row for row in rows if not group or row[group] == value]
            series = [
                Series(part.replace("_", " "), [row[part] or _NOTHING for row in mine], style)
                for style, part in enumerate(parts)
                if any(row[part] for row in mine)
            ]
            names = [_short(row[name]) for row in mine]
            over = unit.format(currency=mine[0].get("currency", ""))
            label = f"{value}: {over}" if value else over
            pictures.append(columns(names, series, label, f"{label}; {title}", f"{key}-{number}"))
        return "\n".join(pictures)

    return draw


def _short(value: object) -> str:
    """Return a day as its number in the month."""
    day = getattr(value, "day", None)
    return str(value) if day is None else str(day)
