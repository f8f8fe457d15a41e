"""Questions that the command answers, as tables: columns and rows, money as Decimal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

from connectors._lake import Lake
from models.tables import QUARANTINE, RESTATEMENTS
from pipelines.settings import Settings
from pipelines.warehouse import current_index, read_published

_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Report:
    """A table for people: a title, columns and rows."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def select(
    connection: duckdb.DuckDBPyConnection,
    title: str,
    sql: str,
    parameters: Mapping[str, object] | None = None,
) -> Report:
    """Return the result of a query."""
    cursor = connection.execute(sql, dict(parameters or {}))
    columns = [item[0] for item in cursor.description or []]
    return Report(title, columns, cursor.fetchall() if columns else [])


# --- summary ------------------------------------------------------------------------------------


def last_period(connection: duckdb.DuckDBPyConnection) -> str | None:
    """Return the newest billing period that has an invoice, else the newest."""
    row = connection.execute("""
        select coalesce(
            (select max(billing_period) from lake.invoices
             where billing_period in (select billing_period from marts.cost_reconciliation)),
            (select max(billing_period) from marts.cost_reconciliation)
        )
    """).fetchone()
    return str(row[0]) if row and row[0] else None


def entity_costs(
    connection: duckdb.DuckDBPyConnection, entity: str, period: str, limit: int
) -> Report:
    """Return the costliest values of an entity, in cents: what finance's export says of them.

    Cost per inference leaves out what is unmatched and what is not production.
    """
    column = "customer_id" if entity == "customer" else entity
    cursor = connection.execute(
        f"""
        select
            {column},
            round(effective_cost, 2) as effective_cost,
            billing_currency,
            inferences,
            round(loaded_cost_per_inference, 6),
            round(direct_cost_per_inference, 6)
        from exports.{entity}_costs as costs
        where billing_period = ?
        order by costs.effective_cost desc nulls last, {column}
        """,
        [period],
    )
    rows = cursor.fetchall()
    columns = (entity, "cost", "currency", "inferences", "cost_per_inference", "of_it_direct")
    shown = f", the first {limit} of {len(rows)}" if len(rows) > limit else ""
    return Report(f"Cost by {entity}, {period}{shown}", columns, rows[:limit])


def components(connection: duckdb.DuckDBPyConnection, period: str) -> Report:
    """Return the period's cost by component; what is not unmatched is explained: the coverage.

    In the reporting currency, if one is configured; else in each billing currency.
    """
    found = connection.execute(
        "select coalesce(reporting_currency, billing_currency), component, "
        "sum(coalesce(reporting_cost, effective_cost::decimal(38, 21))) from marts.allocated_costs "
        "where billing_period = ? group by all order by 1, 3 desc, 2",
        [period],
    ).fetchall()
    totals: dict[str, Decimal] = {}
    for currency, _, cost in found:
        totals[currency] = totals.get(currency, Decimal(0)) + cost
    rows = [
        (component, cost.quantize(_CENT), currency, _percent(cost, totals[currency]))
        for currency, component, cost in found
    ]
    unmatched = {currency: cost for currency, component, cost in found if component == "unmatched"}
    covered = ", ".join(
        f"{_percent(total - unmatched.get(currency, Decimal(0)), total)} of {currency} {total:,.2f}"
        for currency, total in totals.items()
    )
    title = f"Coverage, {period}: {covered} is explained"
    return Report(title, ("component", "cost", "currency", "part"), rows)


def _percent(part: Decimal, whole: Decimal) -> str:
    return f"{part / whole:.2%}" if whole else ""


# --- sources ------------------------------------------------------------------------------------


def sources(settings: Settings) -> Report:
    """Return what is configured, what came last, how fresh it is, what is missing of it or could
    not be read, and which periods are final."""
    index = current_index(settings)
    finalities = _finalities(settings)
    rows = [
        [
            *(name, item.connector.name, None if item.source.options.authoritative else "no"),
            *_delivery_cells(settings.lake, name),
            *_day_cells(index.filter(pl.col("source") == name), item.is_billing),
            *_period_cells(index.filter(pl.col("source") == name), name, finalities),
        ]
        for name, item in settings.sources.items()
    ]
    columns = ["source", "connector", "counts", "last_delivery", "delivered_again", "data_until"]
    columns += ["age", "rows", "quarantined", "missing_days", "finality", "failed"]
    return Report("Sources", columns, rows)


def _finalities(settings: Settings) -> dict[tuple[str, str], str]:
    """Return what the last run found final, by source and period; before the first, nothing."""
    if not settings.warehouse.exists():
        return {}
    with read_published(settings) as connection:
        rows = connection.execute(
            "select source, billing_period, min(finality) from marts.cost_reconciliation "
            "where finality is not null group by all having min(finality) = max(finality)"
        ).fetchall()
    return {(source, period): finality for source, period, finality in rows}


def _delivery_cells(lake: Lake, name: str) -> tuple[object, ...]:
    """Return the last delivery, and how many slots came more than once: late or restated."""
    slots = lake.manifests(name).values()
    last = max(
        (versions[-1] for versions in slots),
        key=lambda manifest: (manifest.order, manifest.slot),
        default=None,
    )
    again = sum(len(versions) > 1 for versions in slots)
    return f"{last.slot} {last.version}" if last else "none", again or None


def _day_cells(index: pl.DataFrame, is_billing: bool) -> tuple[object, ...]:
    """Return the newest day and its age, the rows, those that cannot be used, and, of telemetry,
    how many days between the first and the last have none."""
    in_force = index.filter(
        (pl.col("status") == "current") & (pl.col("table") != RESTATEMENTS.name)
    )
    days = in_force.select("table", "days").explode("days").unnest("days").drop_nulls("day")
    used = days.filter(pl.col("table") != QUARANTINE.name)
    # What is valid for ever has no day of its own.
    dated: set[date] = set(used.filter(pl.col("day") > date(1970, 1, 1))["day"].to_list())
    newest = max(dated, default=None)
    missing = (newest - min(dated)).days + 1 - len(dated) if newest else 0
    return (
        newest,
        f"{(datetime.now(UTC).date() - newest).days} days" if newest else None,
        used["rows"].sum(),
        days.filter(pl.col("table") == QUARANTINE.name)["rows"].sum() or None,
        None if is_billing else missing or None,
    )


def _period_cells(
    index: pl.DataFrame, name: str, finalities: Mapping[tuple[str, str], str]
) -> tuple[object, ...]:
    """Return the billing periods, each final or provisional, and the slots that failed."""
    failed = index.filter(pl.col("status") == "failed")["slot"].to_list()
    current = index.filter(pl.col("status") == "current")
    totals = [total for listed in current["delivered"].to_list() for total in listed or []]
    periods = sorted({total["billing_period"] for total in totals if total["billing_period"]})
    finality = ", ".join(
        f"{period} {finalities.get((name, period), 'provisional')}" for period in periods
    )
    return finality or None, ", ".join(failed) or None
