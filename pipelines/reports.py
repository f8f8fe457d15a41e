"""Questions that the command answers, as tables: columns and rows, money as Decimal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

from connectors._lake import Lake
from pipelines.settings import Settings
from pipelines.warehouse import current_index


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


# Unit costs leave out what is unmatched and what is not production; the total beside them does not.
_COSTS = """
    with costs as (
        select
            {entity} as entity,
            billing_currency,
            sum(effective_cost) as effective_cost,
            sum(effective_cost) filter (
                component <> 'unmatched' and environment = 'production'
            ) as loaded_cost
        from marts.allocated_costs
        where strftime(charge_date, '%Y-%m') = $period
        group by all
    ),
    requests as (
        select
            {entity} as entity,
            count(distinct inference_id) as inferences,
            count(distinct inference_id) filter (
                environment = 'production'
            ) as production_inferences
        from marts.attempt_costs
        where is_ended and strftime(charge_date, '%Y-%m') = $period
        group by all
    )
    select
        coalesce(costs.entity, requests.entity),
        costs.billing_currency,
        costs.effective_cost,
        coalesce(requests.inferences, 0),
        costs.loaded_cost,
        requests.production_inferences
    from costs
    full join requests on costs.entity = requests.entity
    order by costs.effective_cost desc nulls last, 1
"""


def entity_costs(
    connection: duckdb.DuckDBPyConnection, entity: str, period: str, limit: int
) -> Report:
    """Return the costliest values of an entity: cost, inferences, cost per inference."""
    cursor = connection.execute(_COSTS.format(entity=entity), {"period": period})
    rows = [
        (name, cost, currency, inferences, _per(loaded, production))
        for name, currency, cost, inferences, loaded, production in cursor.fetchall()
    ]
    word = entity.removesuffix("_id")
    columns = (word, "effective_cost", "", "inferences", "cost_per_inference")
    shown = f", the first {limit} of {len(rows)}" if len(rows) > limit else ""
    return Report(f"{word.capitalize()}s, {period}{shown}", columns, rows[:limit])


def _per(cost: Decimal | None, count: int | None) -> Decimal | None:
    if cost is None or not count:
        return None
    return (cost / count).quantize(Decimal("1e-9"))


def components(connection: duckdb.DuckDBPyConnection, period: str) -> Report:
    """Return the month's cost by component; what is not unmatched is explained: the coverage."""
    cursor = connection.execute(
        "select billing_currency, component, sum(effective_cost) from marts.allocated_costs "
        "where strftime(charge_date, '%Y-%m') = ? group by all order by 1, 3 desc, 2",
        [period],
    )
    found = cursor.fetchall()
    totals: dict[str, Decimal] = {}
    for currency, _, cost in found:
        totals[currency] = totals.get(currency, Decimal(0)) + cost
    rows = [
        (component, cost, currency, _percent(cost, totals[currency]))
        for currency, component, cost in found
    ]
    unmatched = {currency: cost for currency, component, cost in found if component == "unmatched"}
    covered = ", ".join(
        f"{_percent(total - unmatched.get(currency, Decimal(0)), total)} of {currency} {total:,.2f}"
        for currency, total in totals.items()
    )
    return Report(f"Coverage, {period}: {covered} explained", ("component", "cost", "", "%"), rows)


def _percent(part: Decimal, whole: Decimal) -> str:
    return f"{part / whole:.2%}" if whole else ""


# --- sources ------------------------------------------------------------------------------------


def sources(settings: Settings, invoiced: set[tuple[str, str]]) -> Report:
    """Return what is configured, what came last, how fresh it is, and which periods are final."""
    index = current_index(settings)
    rows = [
        _source_row(settings.lake, index.filter(pl.col("source") == name), name, invoiced)
        for name in settings.sources
    ]
    by_name = [(name, item.connector.name) for name, item in settings.sources.items()]
    columns = ("source", "connector", "last_delivery", "data_until", "rows", "finality", "failed")
    return Report("Sources", columns, [(*a, *b) for a, b in zip(by_name, rows, strict=True)])


def _source_row(
    lake: Lake, index: pl.DataFrame, name: str, invoiced: set[tuple[str, str]]
) -> tuple[object, ...]:
    in_force = index.filter(pl.col("status") == "current")
    failed = index.filter(pl.col("status") == "failed")["slot"].to_list()
    manifests = [versions[-1] for versions in lake.manifests(name).values()]
    last = max(manifests, key=lambda manifest: (manifest.order, manifest.slot), default=None)
    days = [day for listed in in_force["days"].to_list() for day in listed or []]
    periods = sorted({period for period in in_force["billing_period"] if period})
    finality = ", ".join(
        f"{period} {'final' if (name, period) in invoiced else 'provisional'}" for period in periods
    )
    return (
        f"{last.slot} {last.version}" if last else "none",
        max((day["day"] for day in days), default=None),
        sum(day["rows"] for day in days),
        finality or None,
        ", ".join(failed) or None,
    )
