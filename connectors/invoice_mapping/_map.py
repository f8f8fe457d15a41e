"""A map: what an invoice's columns mean, in YAML. An unknown key is an error that names it."""

import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from connectors._maps.model import AboutSection, MapModel, Pattern, Text
from connectors.invoice_mapping._api import Api
from connectors.invoice_mapping._records import segments
from models.columns import PROVENANCE, Table
from models.tables import CHARGES, METERED_USAGE

Category = Literal["Usage", "Purchase", "Tax", "Credit", "Adjustment", "Refund"]
KINDS = ("Usage", "Purchase", "Tax", "Credit", "Adjustment", "Refund")
# A folder a period and a fetch in it, or a file a period.
DEFAULT_PATH = (
    r"^(?:(?P<period>\d{4}-\d{2})/(?P<version>\d{8}T\d{6}Z)/[^/]+"
    r"|[^/]*?(?P<period_of_file>\d{4}-\d{2})(?!\d)[^/]*)$"
)
_GROUPS = {"period", "period_of_file", "year", "month", "version", "slot"}
_NEEDED = {
    "charges": (
        "billed_cost", "billing_currency", "charge_period_start", "charge_period_end",
        "service_category", "service_name",
    ),
    "metered_usage": (
        "charge_period_start", "charge_period_end", "service_category", "service_name", "sku_id",
        "consumed_quantity", "consumed_unit",
    ),
}  # fmt: skip


class Files(MapModel):
    """Which files are invoices, and what their paths tell."""

    path: Pattern = DEFAULT_PATH
    format: Literal["csv", "tsv", "json", "ndjson", "parquet"] | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    skip: Annotated[int, Field(ge=0)] = 0
    encoding: Literal["utf-8", "utf-16", "latin-1"] = "utf-8"
    # An expression over the rows that gives 'YYYY-MM', where no path tells the billing period.
    period: str | None = None

    @model_validator(mode="after")
    def _check_groups(self) -> Self:
        groups = set(re.compile(self.path).groupindex)
        if groups - _GROUPS:
            allowed = ", ".join(sorted(_GROUPS))
            raise ValueError(f"path: unknown group {min(groups - _GROUPS)}; allowed: {allowed}")
        has_period = bool(groups & {"period", "period_of_file"}) or {"year", "month"} <= groups
        if has_period == bool(self.period):
            raise ValueError(
                "the billing period comes from a group of path, (?P<period>…) or (?P<year>…) and "
                "(?P<month>…), or from the expression period: one of them"
            )
        return self


def _path(text: str) -> str:
    segments(text)
    return text


RecordPath = Annotated[str, BeforeValidator(_path)]


class Records(MapModel):
    """Where the rows are in a document: `data[].line_items[]`, `costs{}`; nothing in a CSV."""

    path: RecordPath = ""
    files: Pattern = ""


class Lookup(MapModel):
    """A list beside the rows, such as prices: `name.column` where the `equal` columns are equal."""

    records: RecordPath = ""
    files: Pattern = ""
    equal: tuple[Text, ...] = Field(min_length=1)
    columns: tuple[Text, ...] = Field(min_length=1)


class Unpivot(MapModel):
    """Columns that become rows: their name in one column, their value in another."""

    columns: tuple[Text, ...] = Field(min_length=1)
    name: Text = "meter"
    value: Text = "value"


class Money(MapModel):
    """How a column's text is a number."""

    symbol: str = ""
    thousands: Literal["", ",", ".", " ", "'", "_"] = ""
    decimal: Literal[".", ","] = "."
    divisor: int = Field(1, ge=1)
    sign: Literal[1, -1] = 1

    @model_validator(mode="after")
    def _check_separators(self) -> Self:
        if self.thousands == self.decimal:
            raise ValueError("thousands and decimal are the same")
        if not re.fullmatch("10*", str(self.divisor)):
            raise ValueError(
                f"divisor {self.divisor}: allowed: 1, 10, 100, … so that no cent moves"
            )
        return self

    @property
    def places(self) -> int:
        return len(str(self.divisor)) - 1


class Time(MapModel):
    """How a column's text is an instant; `inclusive` ends are moved to the first instant after.

    `of` names the column that is read, where it shall stay as it is.
    """

    of: Text | None = None
    format: Text | None = None
    zone: Text = "UTC"
    inclusive: Literal["second", "minute", "hour", "day", "month"] | None = None


class Rule(MapModel):
    """Rows whose column matches have this category; the last rule may be a default."""

    category: Category
    column: Text | None = None
    matches: Pattern | None = None

    @model_validator(mode="after")
    def _check_pair(self) -> Self:
        if (self.column is None) != (self.matches is None):
            raise ValueError("column and matches belong together; a default has neither")
        return self


class ControlTotal(MapModel):
    """The vendor's own total, to which the rows must add up."""

    none: Text | None = Field(None, description="Why the vendor states none.")
    pattern: Pattern | None = None
    value: Text | None = None
    files: Pattern = ""
    records: RecordPath = ""
    where: str | None = None
    combine: Literal["same", "sum"] = "same"
    of: str | None = None
    money: Money | None = None
    optional: bool = False
    tolerance: Annotated[str, Field(pattern=r"^\d+(\.\d+)?$")] = "0"

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if sum(given is not None for given in (self.none, self.pattern, self.value)) != 1:
            raise ValueError("exactly one of value, pattern and none says where the total is")
        return self


def _as_list(value: Any) -> Any:
    """A single path stands for a list of one."""
    if isinstance(value, str):
        return ({"path": value},)
    return value


class Map(MapModel):
    """The whole map. Expressions are DuckDB's, over the vendor's columns as text."""

    title: Text
    documentation: Text
    about_: AboutSection = Field(alias="about")
    files: Files = Files()
    records: Annotated[tuple[Records, ...], BeforeValidator(_as_list)] = (Records(),)
    unpivot: Unpivot | None = None
    lookups: Mapping[str, Lookup] = Field(default_factory=dict)
    where: str | None = None
    optional: tuple[Text, ...] = ()
    # Columns in which no two rows are alike: a page that came twice is found by them.
    unique: tuple[Text, ...] = ()
    money: Mapping[str, Money] = Field(default_factory=dict)
    times: Mapping[str, Time] = Field(default_factory=dict)
    categories: tuple[Rule, ...] = ()
    charges: Mapping[str, str] | None = None
    metered_usage: Mapping[str, str] | None = None
    constants: Mapping[str, str] = Field(default_factory=dict)
    control_total: ControlTotal
    row_count: ControlTotal | None = None
    api: Api | None = None

    @property
    def table(self) -> Table:
        """What the map produces."""
        return CHARGES if self.charges is not None else METERED_USAGE

    @property
    def columns(self) -> Mapping[str, str]:
        """The expressions of the table's columns."""
        return self.charges if self.charges is not None else self.metered_usage or {}

    @property
    def digest(self) -> str:
        """A hash of everything that the map says of the rows."""
        said = self.model_dump_json(exclude={"title", "documentation", "about_", "api"})
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    @model_validator(mode="after")
    def _check_output(self) -> Self:
        if (self.charges is None) == (self.metered_usage is None):
            raise ValueError("exactly one of charges and metered_usage is needed")
        section = self.table.name
        given = [*self.columns, *self.constants]
        allowed = set(self.table.column_names) - {column.name for column in PROVENANCE}
        allowed -= {"charge_category", "x_billing_period"}
        for name in given:
            if name not in allowed:
                raise ValueError(f"{section}.{name}: unknown column; allowed: {_list(allowed)}")
        if twice := set(self.columns) & set(self.constants):
            raise ValueError(f"{min(twice)} is in {section} and in constants")
        for name in _NEEDED[section]:
            if name not in given:
                raise ValueError(f"{section}.{name}: is missing")
        return self

    @model_validator(mode="after")
    def _check_total(self) -> Self:
        if self.charges is None and not (self.control_total.none or self.control_total.of):
            raise ValueError("control_total.of: what of metered_usage the total is the sum of")
        return self

    @model_validator(mode="after")
    def _check_categories(self) -> Self:
        if bool(self.categories) != (self.charges is not None):
            raise ValueError("categories belong to charges, and charges need them")
        if any(rule.column is None for rule in self.categories[:-1]):
            raise ValueError("categories: the default is the last rule")
        return self


def _list(names: set[str]) -> str:
    return ", ".join(sorted(names))
