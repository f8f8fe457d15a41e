"""What a version of an export says about itself, and what it says has changed."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ExportedFile(_Model):
    """One file of the export. Its size is in bytes."""

    path: str
    size: int
    sha256: str


class ExportedTable(_Model):
    """One table, as CSV and as Parquet. Totals are by currency, then by name, as decimal text."""

    name: str
    rows: int
    totals: Mapping[str, Mapping[str, str]]
    files: tuple[ExportedFile, ...]


class ExportedDelivery(_Model):
    """A delivery that the numbers come from, and the lake's fingerprint of what it became."""

    source: str
    slot: str
    delivery_id: str
    fingerprint: str


class ExportManifest(_Model):
    """One version of one billing period's export. `as_of` is when the bills were written (UTC)."""

    billing_period: str
    version: str
    previous_version: str | None = None
    as_of: str | None
    changes: tuple[str, ...] = Field((), description="What differs from the previous version.")
    tables: tuple[ExportedTable, ...]
    deliveries: tuple[ExportedDelivery, ...]

    @property
    def files(self) -> tuple[ExportedFile, ...]:
        return tuple(file for table in self.tables for file in table.files)

    def follow(self, previous: "ExportManifest") -> "ExportManifest":
        """Return this manifest as the version after another, saying what changed."""
        changes = (*_table_changes(previous, self), *_delivery_changes(previous, self))
        return self.model_copy(
            update={"previous_version": previous.version, "changes": tuple(changes)}
        )


def _table_changes(old: ExportManifest, new: ExportManifest) -> Iterator[str]:
    before = {table.name: table for table in old.tables}
    for table in new.tables:
        if table.name not in before:
            yield f"{table.name}: is new"
        elif table.files != before[table.name].files:
            yield f"{table.name}: {', '.join(_deltas(before[table.name], table))}"
    for name in sorted(before.keys() - {table.name for table in new.tables}):
        yield f"{name}: is gone"


def _deltas(old: ExportedTable, new: ExportedTable) -> list[str]:
    """Say by how much totals and rows moved: `effective_cost +12.34 USD`, `-2 rows`."""
    amounts = _amounts(new)
    before = _amounts(old)
    moved = {
        key: amounts.get(key, Decimal(0)) - before.get(key, Decimal(0))
        for key in sorted(amounts.keys() | before.keys())
    }
    deltas = [
        f"{name} {_signed(delta)} {currency}" for (currency, name), delta in moved.items() if delta
    ]
    if new.rows != old.rows:
        deltas.append(f"{new.rows - old.rows:+d} rows")
    return deltas or ["other content, the same totals"]


def _amounts(table: ExportedTable) -> dict[tuple[str, str], Decimal]:
    return {
        (currency, name): Decimal(amount)
        for currency, totals in table.totals.items()
        for name, amount in totals.items()
    }


def _signed(amount: Decimal) -> str:
    """Write every digit that is not 0, and cents in any case: +12.30, -0.000000000001."""
    whole, _, decimals = f"{amount:+f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def _delivery_changes(old: ExportManifest, new: ExportManifest) -> Iterator[str]:
    before = {(item.source, item.slot): item for item in old.deliveries}
    after = {(item.source, item.slot): item for item in new.deliveries}
    if before == after:
        yield "the same deliveries: the configuration or the program has changed"
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key), after.get(key)
        if now is None:
            yield f"{' '.join(key)}: no delivery any more"
        elif was is None:
            yield f"{' '.join(key)}: a new delivery, {now.delivery_id}"
        elif was.delivery_id != now.delivery_id:
            yield f"{' '.join(key)}: delivery {now.delivery_id} in place of {was.delivery_id}"
        elif was != now:
            yield f"{' '.join(key)}: normalized again"
