"""Pictures as SVG, drawn by matplotlib: 400 units wide, so that a phone shows them in full size.

Colour never stands alone: every bar has its name and number beside it, and parts of a bar have
patterns too. Colours are the page's own, so that they follow light and dark.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from io import StringIO
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

WIDTH = 400
_POINTS_AN_INCH = 72
_ROW, _MARGIN = 36, 8
_CHARACTERS = 56
# What matplotlib writes for each of the page's colours.
_COLOURS = {f"#0000f{number}": f"var(--c{number})" for number in range(1, 9)} | {
    "#00ff01": "var(--ink)",
    "#00ff02": "var(--paper)",
    "#00ff03": "var(--line)",
}
_INK, _PAPER, _LINE = "#00ff01", "#00ff02", "#00ff03"
_SERIES = [f"#0000f{number}" for number in range(1, 9)]
_PATTERNS = ["", "////", "xxxx", "----", "\\\\\\\\", "++++", "||||", "/"]
_LOOK: list[Any] = [
    "default",
    {
        "font.size": 12,
        "font.family": "sans-serif",
        "svg.fonttype": "none",
        "svg.hashsalt": "unitledger",
        "hatch.linewidth": 0.8,
        "text.color": _INK,
        "axes.edgecolor": _LINE,
        "axes.labelcolor": _INK,
        "xtick.color": _INK,
        "ytick.color": _INK,
        "text.parse_math": False,
    },
]


@dataclass(frozen=True)
class Bar:
    """A bar of a waterfall: it begins at `start`; its name and its number stand above it."""

    name: str
    number: str
    start: Decimal
    amount: Decimal
    style: int


@dataclass(frozen=True)
class Series:
    """One part of stacked bars: a value for each of them."""

    name: str
    values: Sequence[Decimal]
    style: int


def bars(items: Sequence[Bar], title: str, key: str) -> str:
    """Return bars below each other, each below its name and number."""
    with matplotlib.style.context(_LOOK):
        figure, axes = _canvas(len(items) * _ROW + 2 * _MARGIN)
        figure.subplots_adjust(left=0.01, right=0.99, top=1, bottom=0.01)
        for row, item in enumerate(items):
            _bar(axes, -row, item)
        axes.set_ylim(-len(items) + 0.55, 0.95)
        axes.axvline(0, color=_LINE, linewidth=1)
        axes.set_axis_off()
        return _svg(figure, title, key)


def _bar(axes: Axes, row: int, item: Bar) -> None:
    axes.barh(
        row,
        float(item.amount),
        left=float(item.start),
        height=0.36,
        color=_SERIES[item.style],
        hatch=_PATTERNS[item.style],
        edgecolor=_PAPER,
        linewidth=0,
    )
    across = axes.get_yaxis_transform()
    name = _shortened(item.name, _CHARACTERS - len(item.number))
    axes.text(0, row + 0.25, name, transform=across, va="bottom")
    axes.text(1, row + 0.25, item.number, transform=across, va="bottom", ha="right")


def _shortened(name: str, characters: int) -> str:
    """Return a name that leaves room for its number; the table has all of it."""
    return name if len(name) <= characters else f"{name[: characters - 1].rstrip()}…"


def columns(names: Sequence[str], series: Sequence[Series], unit: str, title: str, key: str) -> str:
    """Return stacked columns from left to right, with a legend above and some names below."""
    with matplotlib.style.context(_LOOK):
        legend_rows = -(-len(series) // 2)
        height = 214 + 19 * legend_rows
        figure, axes = _canvas(height)
        figure.subplots_adjust(
            left=0.14, right=0.99, bottom=28 / height, top=1 - (19 * legend_rows + 26) / height
        )
        _stack(axes, len(names), series)
        _name_columns(axes, names)
        axes.set_title(unit, loc="left", fontsize=12, pad=5)
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(
            handles, labels, ncols=2, loc="upper left", frameon=False, borderpad=0,
            borderaxespad=0.1, labelspacing=0.25, handlelength=2.4, handleheight=1,
        )  # fmt: skip
        return _svg(figure, title, key)


def _stack(axes: Axes, count: int, series: Sequence[Series]) -> None:
    """Draw what is above 0 upwards, and credits downwards."""
    above, below = [0.0] * count, [0.0] * count
    for part in series:
        values = [float(value) for value in part.values]
        bases = [above[at] if value >= 0 else below[at] for at, value in enumerate(values)]
        axes.bar(
            range(count),
            values,
            bottom=bases,
            width=0.82,
            label=part.name,
            color=_SERIES[part.style],
            hatch=_PATTERNS[part.style],
            edgecolor=_PAPER,
            linewidth=0,
        )
        for at, value in enumerate(values):
            side = above if value >= 0 else below
            side[at] += value


def _name_columns(axes: Axes, names: Sequence[str]) -> None:
    step = max(1, -(-len(names) // 7))
    axes.set_xticks(range(0, len(names), step), names[::step])
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.tick_params(length=0)
    axes.grid(axis="y", color=_LINE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _canvas(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH / _POINTS_AN_INCH, height / _POINTS_AN_INCH))
    figure.patch.set_visible(False)
    axes = figure.add_subplot()
    axes.patch.set_visible(False)
    return figure, axes


# --- matplotlib's SVG, as a part of a page --------------------------------------------------------


def _svg(figure: Figure, title: str, key: str) -> str:
    """Return the picture as an element: named for who cannot see it, in the page's colours."""
    file = StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r"<style.*?</style>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r'\b(id="|url\(#|href="#)', rf"\g<1>{key}-", text)
    text = re.sub(r"font-family: [^;\"]*;", "", text)
    for drawn, shown in _COLOURS.items():
        text = text.replace(drawn, shown)
    head = re.search(r'viewBox="[^"]*"', text)
    body = text[text.index(">") + 1 :]
    box = head.group() if head else ""
    xlink = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
    return re.sub(
        r"\s*\n\s*", "\n", f'<svg {box} {xlink} role="img" aria-label="{escape(title)}">{body}'
    )  # fmt: skip
