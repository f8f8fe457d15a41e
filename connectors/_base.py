"""The contract of a connector: a frozen value with a name, what it produces, and four functions.

    discover(source, window, landed) -> deliveries   what the vendor has to offer
    fetch(source, delivery, folder)  -> delivery     its bytes, as sent
    read(connection, folder, files)  -> queries      its rows, as named inputs: `raw`, …
    normalize(source)                -> SQL          one query a table, over the inputs

What all connectors share (landing, checking, casting to the contract, the index) is in `_lake.py`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from duckdb import DuckDBPyConnection
from pydantic import BaseModel, ConfigDict

from models.columns import Table
from models.manifest import Manifest


class Options(BaseModel):
    """What a source may configure. Connectors extend it; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Of two sources that deliver the same account, only one counts: the other is false.
    authoritative: bool = True


@dataclass(frozen=True)
class About:
    """What a person must know before trusting a connector; docs/vendors.md is made of these."""

    vendor: str
    kind: Literal["cloud", "llm", "gpu", "telemetry", "business", "generic"]
    interface: str  # how it is read
    granularity: str
    restated: str  # what the vendor may still change, and so what a daily run reads again
    cannot_tell: str
    tested_with: str


@dataclass(frozen=True)
class Source:
    """One configured account: the user's name for it, where it is, and its connector's options.

    `attributes` are the configured telemetry attribute names of each entity, in order of
    precedence: {"customer": ("customer.id", …), "feature": …}.
    """

    name: str
    location: str
    options: Options
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Window:
    """The billing periods ('YYYY-MM') or days ('YYYY-MM-DD') of a run, both ends included.

    `None` is unbounded: whatever the vendor still offers.
    """

    start: str | None = None
    end: str | None = None

    def covers(self, period_or_day: str) -> bool:
        """Tell whether a period or day touches the window; the shorter text decides."""
        after_start = self.start is None or _not_before(period_or_day, self.start)
        return after_start and (self.end is None or _not_before(self.end, period_or_day))


def _not_before(left: str, right: str) -> bool:
    length = min(len(left), len(right))
    return left[:length] >= right[:length]


@dataclass(frozen=True)
class Delivery:
    """What the vendor offers for one slot.

    `slot` is what the vendor replaces as a whole; `version` its own name for this state of it and
    `order` sorts versions. A connector that learns the version only while fetching (an API without
    a refresh mark) returns a changed delivery from `fetch`.
    """

    slot: str
    version: str
    order: str
    billing_period: str | None = None
    request: Mapping[str, Any] = field(default_factory=dict)


Kind = Literal["text", "money", "quantity", "integer", "time", "map"]


@dataclass(frozen=True)
class InputColumn:
    """A column that `read` must provide. Money, quantity and time arrive as the vendor's text."""

    name: str
    kind: Kind = "text"
    required: bool = False
    allowed: tuple[str, ...] = ()


Landed = Mapping[str, Sequence[Manifest]]

# `amounts` of what carries no money: of telemetry, rates and usage without a price.
NO_AMOUNTS = "select null as billing_currency, null as amount from raw"


@dataclass(frozen=True)
class Connector:
    """One vendor format.

    `read` returns a query for each name of `inputs`; it may create temporary tables. Each query has
    the columns that `inputs` declares, as the vendor's text, and `x_file` (path in the delivery)
    and `x_row` (1-based position in that file). An absent optional column becomes NULL, an absent
    required one is a ContractError, and so is a value that is not in `allowed`.

    `normalize` gives one query for each table of `produces`, over the inputs as views; its rows
    come in a fixed order. It may use the macros `money`, `exact` and `billing_period_start`/`_end`.

    `amounts` is a query over the inputs, written apart from `normalize`: one row a delivered row,
    with `billing_currency` and `amount` (the vendor's text), NULL in both for telemetry. Their sum
    is what the delivery itself adds up to. Where a slot is not a billing period, `billing_period`
    stands beside them.
    """

    name: str
    title: str
    produces: tuple[Table, ...]
    inputs: Mapping[str, tuple[InputColumn, ...]]
    discover: Callable[[Source, Window, Landed], Iterable[Delivery]]
    fetch: Callable[[Source, Delivery, Path], Delivery]
    read: Callable[[DuckDBPyConnection, Path, Sequence[str]], Mapping[str, str]]
    normalize: Callable[[Source], Mapping[str, str]]
    amounts: str
    about: About
    options: type[Options] = Options
    # Of a connector that its options configure: the connector that they make, or a ConfigError.
    configured: "Callable[[Options], Connector] | None" = None
