"""What the business knows: customers, revenue, values, service levels, evaluations and owners.

As files in a folder or bucket, any of them: `customers.csv`, `revenue.csv`, `service_levels.csv`,
`operation_values.csv`, `evaluations.csv` and `owners.csv` (.csv, .csv.gz or .parquet), each a slot
that is replaced as a whole; evaluations may also be many files below `evaluations/`. Or as tables
of a database, by a query for each:

    crm:
      connector: business
      location: ./crm.db     # the file of SQLite or DuckDB; of Postgres any name, such as below
      database: sqlite       # sqlite, duckdb or postgres
      queries:
        customers: select id as customer_id, plan from accounts

    crm:
      connector: business
      location: postgresql://crm
      database: postgres
      dsn_env: CRM_DSN       # the variable with its connection string
      queries: {revenue: "select …"}

Each run asks again; what came is kept as Parquet, and a changed answer is a new delivery. SQLite
and Postgres need DuckDB's extensions, as the packages duckdb-extension-sqlite-scanner and
duckdb-extension-postgres-scanner bring them; a DuckDB file needs nothing.

Columns are those of `models/business.py`; in a file or answer each may be left out that need not be
there, and no other may come. Dates are half-open: valid_from is the first day, valid_to the first
day no more; an empty one is open. What is said of one key may not overlap. Money is read to its
last digit from text, and from a float by the shortest digits that mean the same. A wrong value
stops its table, with the file, the row and the column; the last good rows stay in force.
"""

from collections.abc import Iterator
from pathlib import Path

from connectors._base import About, Connector, Delivery, InputColumn, Landed, Source, Window
from connectors.business import _database, _files
from connectors.business._options import BusinessOptions
from connectors.business._read import read
from connectors.business._rows import NAMED, rows
from models.business import BUSINESS


def discover(source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Offer every file of a known name, or every configured query."""
    del window
    assert isinstance(source.options, BusinessOptions)
    if source.options.database:
        yield from _database.discover(source.options)
    else:
        yield from _files.discover(source, landed)


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Bring a file, or what a query answers as Parquet."""
    assert isinstance(source.options, BusinessOptions)
    if source.options.database:
        return _database.fetch(source, source.options, delivery, folder)
    return _files.fetch(source, delivery, folder)


CONNECTOR = Connector(
    name="business",
    title="What the business knows: customers, revenue, values, targets, scores, owners",
    produces=BUSINESS,
    inputs={
        table.name: tuple(
            InputColumn(column.name, required=not column.nullable) for column in NAMED[table.name]
        )
        for table in BUSINESS
    },
    discover=discover,
    fetch=fetch,
    read=read,
    normalize=lambda source: {table.name: rows(table) for table in BUSINESS},
    amounts=" union all ".join(
        f"select cast(null as varchar) as billing_currency, cast(null as varchar) as amount "
        f"from {table.name}"
        for table in BUSINESS
    ),
    about=About(
        vendor="Your company",
        kind="business",
        interface="CSV or Parquet files; queries of SQLite, DuckDB or Postgres",
        granularity="as told: a row holds from a day until another",
        restated="a changed file or answer replaces what its table said",
        cannot_tell="anything that is not in it: no revenue is unknown, not 0",
        tested_with="the sample company's tables; SQLite, DuckDB and Postgres 15 on loopback",
    ),
    options=BusinessOptions,
)
