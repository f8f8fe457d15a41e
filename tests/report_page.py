"""A report as its reader sees it: the tables of each section, with all digits of each figure."""

from dataclasses import dataclass, field
from decimal import Decimal
from html.parser import HTMLParser

_NUMBERS = ("data",)


@dataclass
class Table:
    """A table of a section, in one currency."""

    section: str
    currency: str
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)

    def column(self, name: str) -> list[Decimal]:
        """Return a column's known figures."""
        at = self.columns.index(name)
        return [Decimal(row[at]) for row in self.rows if row[at] != "–"]

    def figures(self, name: str) -> dict[str, Decimal]:
        """Return a column's figures by the rows' names."""
        at = self.columns.index(name)
        return {row[0]: Decimal(row[at]) for row in self.rows if row[at] != "–"}


class ReportPage(HTMLParser):
    """Reads a page; `tables` has the numbers, `queries` each section's SQL."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[Table] = []
        self.queries: dict[str, str] = {}
        self.missing: dict[str, str] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._section = self._currency = ""
        self._into = ""
        self.feed(text)

    def table(self, section: str, currency: str = "") -> Table:
        found = [table for table in self.tables if table.section == section]
        return next(table for table in found if currency in ("", table.currency))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.tags.append((tag, known))
        if tag == "section":
            self._section = known["id"] or ""
        elif tag == "div" and known.get("class") == "panel":
            self._currency = known["data-currency"] or ""
        elif tag == "p" and known.get("class") == "missing":
            self.missing[self._section], self._into = "", "missing"
        elif tag == "pre":
            self.queries[self._section], self._into = "", "query"
        elif tag in ("table", "th", "td", "tr", "data"):
            self._start_cell(tag, known)

    def _start_cell(self, tag: str, known: dict[str, str | None]) -> None:
        if tag == "table":
            self.tables.append(Table(self._section, self._currency))
        elif tag == "th" and known.get("scope") == "col":
            self.tables[-1].columns.append(known["data-name"] or "")
        elif tag == "tr" and self.tables[-1].columns:
            self.tables[-1].rows.append([])
        elif tag in ("th", "td"):
            self.tables[-1].rows[-1].append("")
            self._into = "cell"
        elif tag == "data" and self._into == "cell":
            self.tables[-1].rows[-1][-1] = known["value"] or ""
            self._into = ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td", "pre", "p"):
            self._into = ""

    def handle_data(self, data: str) -> None:
        if self._into == "cell":
            self.tables[-1].rows[-1][-1] += data
        elif self._into == "query":
            self.queries[self._section] += data
        elif self._into == "missing":
            self.missing[self._section] += data
