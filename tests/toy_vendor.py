"""A vendor of the tests: it offers one delivery of 2026-10 at a time, a CSV file of costs."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from connectors._base import (
    About,
    Connector,
    Delivery,
    InputColumn,
    Landed,
    Options,
    Source,
    Window,
)
from connectors._lake import Lake
from connectors._normalize import normalize
from models.errors import FetchError
from models.tables import CHARGES

SOURCE = Source("toy", "nowhere", Options())
CHARGE = """
    select
        'account' as billing_account_id, currency as billing_currency,
        billing_period_start('2026-10') as billing_period_start,
        billing_period_end('2026-10') as billing_period_end,
        cast(day as timestamp) as charge_period_start,
        cast(day as timestamp) + interval 1 day as charge_period_end,
        'Usage' as charge_category, 'Usage-Based' as charge_frequency,
        money(cost) as billed_cost, money(cost) as effective_cost,
        money(cost) as list_cost, money(cost) as contracted_cost,
        'Toy' as invoice_issuer_name, 'Toy' as provider_name, 'Toy' as publisher_name,
        'Toy' as service_provider_name, 'Other' as service_category, 'Toy' as service_name,
        '2026-10' as x_billing_period, x_file, x_row
    from raw
"""


class Vendor:
    """A vendor that offers one delivery at a time: a version, its order, and rows of text."""

    def __init__(self) -> None:
        self.offer = Delivery("2026-10", "", "")
        self.rows: list[str] = []
        self.fails = False

    def discover(self, source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
        yield self.offer

    def fetch(self, source: Source, delivery: Delivery, folder: Path) -> Delivery:
        (folder / "bill.csv").write_text("\n".join(["day,currency,cost", *self.rows, ""]))
        if self.fails:
            raise FetchError("the line was cut")
        return delivery

    def connector(self) -> Connector:
        return Connector(
            name="toy",
            title="Toy",
            produces=(CHARGES,),
            inputs={
                "raw": (
                    InputColumn("day", "time", required=True),
                    InputColumn("currency", required=True),
                    InputColumn("cost", "money", required=True),
                )
            },
            discover=self.discover,
            fetch=self.fetch,
            read=read,
            normalize=lambda source: {"charges": CHARGE},
            amounts="select currency as billing_currency, cost as amount from raw",
            about=About("Toy", "generic", "a CSV file", "day", "the file", "anything else", "it"),
        )


def read(connection: DuckDBPyConnection, folder: Path, files: Sequence[str]) -> Mapping[str, str]:
    return {
        "raw": f"select *, 'bill.csv' as x_file, row_number() over () as x_row"
        f" from read_csv('{folder / files[0]}', all_varchar = true)"
    }


def land(lake: Lake, vendor: Vendor, version: int, rows: list[str]) -> dict[str, str]:
    vendor.offer = Delivery("2026-10", f"v{version}", f"{version:03d}", "2026-10")
    vendor.rows = rows
    return lake.land(SOURCE, vendor.connector(), Window()).failures


def deliver(lake: Lake, vendor: Vendor, version: int, rows: list[str]) -> dict[str, str]:
    failures = land(lake, vendor, version, rows)
    return failures | normalize(lake, SOURCE, vendor.connector())


def in_force(lake: Lake) -> tuple[list[str], Decimal]:
    """The version in force and the sum of its charges."""
    index = lake.index().filter(status="current", table="charges")
    files = [str(lake.root / file) for file in index["file"]]
    total = duckdb.execute("select sum(billed_cost) from read_parquet(?)", [files]).fetchone()
    assert total is not None
    return index["version"].to_list(), total[0]
