"""What the warehouse says about an export: its periods, its deliveries, how new they are."""

import hashlib
from pathlib import Path

import duckdb

from pipelines.config_tables import CONFIG_SCHEMAS
from pipelines.exports._manifest import ExportedDelivery

_PERIODS = """
    select billing_period
    from lake."index"
    where
        status = 'current'
        and "table" in ('charges', 'metered_usage')
        and billing_period is not null
    union
    select x_billing_period
    from lake.charges
    union
    select x_billing_period
    from lake.metered_usage
    order by 1
"""

# Vendors who name a version by its time write it as 2026-11-03T06:10:00… or 20261103T061000….
_AS_OF = r"""
    with versions as (
        select regexp_extract(version, '\d{4}-?\d\d-?\d\dT\d\d:?\d\d:?\d\d') as written_at
        from lake."index"
        where
            status = 'current'
            and (
                billing_period = $period
                or len(list_filter(delivered, lambda item: item.billing_period = $period)) > 0
            )
    ),
    moments as (
        select try_strptime(regexp_replace(written_at, '[-:]', '', 'g'), '%Y%m%dT%H%M%S') as moment
        from versions
        union all
        select charge_period_start
        from lake.charges
        where x_billing_period = $period
    )
    select strftime(max(moment), '%Y-%m-%dT%H:%M:%SZ')
    from moments
"""

# What ended past midnight stands in the file of the day after.
_DELIVERIES = """
    with ledger as (
        select min(charge_date) as first_day, max(charge_date) + 1 as last_day
        from marts.allocated_costs
        where billing_period = $period
    )
    select distinct source, slot, delivery_id, fingerprint
    from lake."index"
    cross join ledger
    where
        status = 'current'
        and (
            billing_period = $period
            or len(list_filter(delivered, lambda item: item.billing_period = $period)) > 0
            or len(list_filter(days, lambda item: item.day between first_day and last_day)) > 0
        )
    order by all
"""


_CODE = "select code from meta.build"

# What each period's days were built from.
_DAYS = "select period, costs_hash from intermediate.int_period_inputs"

# What no day tells: which deliveries its bills are, and which failed.
_BILLS = """
    select
        unnest(list_distinct(
            list_append(list_transform(delivered, lambda item: item.billing_period), billing_period)
        )) as period,
        source, slot, "table", status, version, fingerprint, error
    from lake."index"
    order by all
"""

# A hash of each table of the configuration, by the billing period where its rows say it.
_CONFIGURATION = " union all ".join(
    f"select '{name}' as name, {period} as billing_period, sum(hash(config))"
    f" from lake.{name} as config group by {period}"
    for name, schema in CONFIG_SCHEMAS.items()
    for period in ["billing_period" if "billing_period" in schema else "null::varchar"]
)


def billing_periods(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the delivered billing periods, oldest first."""
    return [str(row[0]) for row in connection.execute(_PERIODS).fetchall()]


def as_of(connection: duckdb.DuckDBPyConnection, period: str) -> str | None:
    """Return how far the period's bills reach (UTC): when they were written, where their versions
    tell it, or the start of the newest charge if that is later."""
    row = connection.execute(_AS_OF, {"period": period}).fetchone()
    return row[0] if row else None


def deliveries(connection: duckdb.DuckDBPyConnection, period: str) -> tuple[ExportedDelivery, ...]:
    """Return the period's bills, and whatever tells of the days on which their costs arose."""
    rows = connection.execute(_DELIVERIES, {"period": period}).fetchall()
    names = ExportedDelivery.model_fields
    return tuple(
        ExportedDelivery.model_validate(dict(zip(names, row, strict=True))) for row in rows
    )


def origins(connection: duckdb.DuckDBPyConnection, periods: list[str]) -> dict[str, str]:
    """Return, of each period, a hash of all that its export is made from, this program included."""
    code = hashlib.sha256(repr(connection.execute(_CODE).fetchall()).encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        code.update(file.read_bytes())
    configured = connection.execute(f"{_CONFIGURATION} order by all").fetchall()
    days = dict(connection.execute(_DAYS).fetchall())
    bills = connection.execute(_BILLS).fetchall()
    return {
        period: _hash(
            code.hexdigest(),
            [row for row in configured if row[1] in (None, period)],
            days.get(period),
            [row for row in bills if row[0] == period],
        )
        for period in periods
    }


def _hash(*made_from: object) -> str:
    return hashlib.sha256(repr(made_from).encode()).hexdigest()
