"""What must hold before the marts are built. Each check is one sentence where it fails."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl

from models.tables import TABLES
from pipelines.exchange_rates import exchange_rate_failures
from pipelines.money import shown
from pipelines.settings import Settings
from pipelines.warehouse import build_file, current_index

# The greatest rounding of one row: half of money's last decimal.
_HALF_DIGIT = Decimal("5e-13")
# By delivery, billing period and currency.
_Totals = dict[tuple[str, str, str], Decimal]


@dataclass(frozen=True)
class Check:
    """A named check, and a sentence for everything that does not hold."""

    name: str
    failures: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.failures


def check_lake(settings: Settings) -> list[Check]:
    """Check the lake that a new warehouse was prepared from."""
    index = current_index(settings)
    with duckdb.connect(str(build_file(settings)), read_only=True) as connection:
        normalized = _normalized(connection)
        billed_twice = tuple(_authority_failures(connection))
        rates = tuple(exchange_rate_failures(connection))
    return [
        Check("schema", tuple(_schema_failures(build_file(settings)))),
        Check("landed_equals_normalized", tuple(_landed_failures(index, normalized))),
        Check("control_totals", tuple(_control_total_failures(settings, index))),
        Check("one_authority", billed_twice),
        Check("exchange_rates", rates),
    ]


def _authority_failures(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Find what two sources bill: a provider, an account and a billing period."""
    rows = connection.execute("""
        select
            service_provider_name,
            coalesce(sub_account_id, billing_account_id) as account,
            x_billing_period,
            array_agg(distinct x_source order by x_source) as sources
        from lake.charges
        group by all
        having count(distinct x_source) > 1
        order by all
    """).fetchall()
    for provider, account, period, sources in rows:
        yield (
            f"{' and '.join(sources)} both bill {provider} account {account} for {period}: "
            "only one may count; set authoritative: false on the other"
        )


def _normalized(connection: duckdb.DuckDBPyConnection) -> _Totals:
    """Return Σ billed_cost by delivery, billing period and currency."""
    rows = connection.execute(
        "select x_delivery_id, x_billing_period, billing_currency, sum(billed_cost) from "
        "(from lake.delivered_charges union all from lake.compared_charges) group by all"
    ).fetchall()
    return {(delivery, period, currency): cost for delivery, period, currency, cost in rows}


def _schema_failures(file: Path) -> Iterator[str]:
    """Compare names and types of each table with the contract."""
    with duckdb.connect(str(file), read_only=True) as connection:
        for table in TABLES.values():
            found = [
                row[:2] for row in connection.execute(f"describe lake.{table.name}").fetchall()
            ]
            wanted = [(column.name, column.type.upper()) for column in table.columns]
            found = [(name, kind.upper().replace(",", ", ")) for name, kind in found]
            if found != wanted:
                differing = sorted({name for name, _ in set(found) ^ set(wanted)})
                yield f"{table.name} differs from the contract in {', '.join(differing)}"


def _landed_failures(index: pl.DataFrame, normalized: _Totals) -> Iterator[str]:
    """Compare what each delivery says it adds up to with its rows and their rounding."""
    charges = index.filter((pl.col("status") == "current") & (pl.col("table") == "charges"))
    left = dict(normalized)
    for row in charges.to_dicts():
        for total in row["delivered"]:
            if total["billing_currency"] is None:
                continue
            key = (row["delivery_id"], total["billing_period"], total["billing_currency"])
            amount, rounding = Decimal(total["amount"]), Decimal(total["rounding"])
            difference = amount - rounding - left.pop(key, Decimal(0))
            if difference or abs(rounding) > total["rows"] * _HALF_DIGIT:
                yield (
                    f"{row['source']} {row['slot']}: the delivery adds up to {shown(amount)} "
                    f"{key[2]}, its normalized rows to {shown(amount - rounding - difference)}"
                )
    for (delivery, period, currency), cost in left.items():
        yield f"{delivery}: nothing was delivered for {shown(cost)} {currency} of {period}"


def _control_total_failures(settings: Settings, index: pl.DataFrame) -> Iterator[str]:
    """Compare the totals that vendors stated with what was delivered, where something was."""
    stated = pl.read_parquet(settings.lake.root / "config" / "control_totals.parquet")
    failed = index.filter(pl.col("status") == "failed")
    for row in stated.to_dicts():
        mine, period = pl.col("source") == row["source"], row["billing_period"]
        is_missing = pl.col("billing_period").is_in([period, None], nulls_equal=True)
        # What could not be read is reported by itself; its last good state is not the stated one.
        if failed.filter(mine & (is_missing if period else pl.lit(True))).height:
            continue
        delivered = _delivered(index.filter(mine), period, row["billing_currency"])
        if delivered is None:
            continue
        rows, amount = delivered
        where = " ".join(filter(None, (row["source"], row["billing_period"])))
        if row["rows"] is not None and rows != row["rows"]:
            yield f"{where}: {row['rows']} rows are stated, {rows} were delivered"
        if row["billed_cost"] is not None and amount != row["billed_cost"]:
            yield (
                f"{where}: {shown(row['billed_cost'])} {row['billing_currency']} is stated, "
                f"{shown(amount)} was delivered"
            )


def _delivered(
    index: pl.DataFrame, period: str | None, currency: str | None
) -> tuple[int, Decimal] | None:
    """Return rows and amount of the deliveries in force; None where there is none."""
    totals = [
        total
        for delivered in index.filter(pl.col("status") == "current")["delivered"].to_list()
        for total in delivered or []
        if (period is None or total["billing_period"] == period)
        and (currency is None or total["billing_currency"] in (currency, None))
    ]
    if not totals:
        return None
    return (
        sum(total["rows"] for total in totals),
        sum((Decimal(total["amount"] or 0) for total in totals), Decimal(0)),
    )
