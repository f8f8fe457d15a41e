"""Exchange rates by day, as a central bank publishes them: what bills are converted with.

UTF-8 CSV with a header, at any depth of a folder or bucket; a file is a slot. Columns:

    rate_date      the day the rate was published for; weekends and holidays are simply missing
    from_currency  ISO 4217
    to_currency    ISO 4217
    rate           units of to_currency that one unit of from_currency is worth, above 0

The last line ends like the others: else the file is cut off.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from duckdb import DuckDBPyConnection

from connectors._base import (
    NO_AMOUNTS,
    About,
    Connector,
    Delivery,
    InputColumn,
    Landed,
    Source,
    Window,
)
from connectors._complete import check_text
from connectors._files import discover_files, fetch_file
from connectors._sql import csv_rows, quoted_list
from models.currencies import ISO_4217
from models.tables import FX_RATES

_CODES = quoted_list(sorted(ISO_4217))

_FX_RATES = f"""
    with problems as (
        select
            *,
            cast(rate as decimal(38, 12)) as amount,
            case
                when not list_contains({_CODES}, coalesce(from_currency, ''))
                    then 'from_currency is ''' || coalesce(from_currency, '')
                        || '''; allowed: an ISO 4217 code like USD'
                when not list_contains({_CODES}, coalesce(to_currency, ''))
                    then 'to_currency is ''' || coalesce(to_currency, '')
                        || '''; allowed: an ISO 4217 code like USD'
                when from_currency = to_currency
                    then 'to_currency is ''' || to_currency || ''', the same as from_currency'
                when amount is null or amount <= 0
                    then 'rate is ''' || coalesce(rate, '') || '''; allowed: a number above 0'
            end as problem
        from raw
    )
    select
        strptime(rate_date, '%Y-%m-%d')::date as rate_date,
        from_currency,
        to_currency,
        if(
            problem is null,
            amount,
            error('file ' || x_file || ', row ' || x_row || ': ' || problem)
        ) as rate,
        x_file,
        x_row
    from problems
    order by x_row
"""


def discover(source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Yield every CSV file."""
    del window
    return discover_files(source, landed, (".csv",))


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Copy the file as it was when it was found."""
    check_text(fetch_file(source, delivery, folder), f"{source.name}: {delivery.slot}")
    return delivery


def read(connection: DuckDBPyConnection, folder: Path, files: Sequence[str]) -> dict[str, str]:
    """Return the query of `raw`: the rows as text."""
    return {"raw": csv_rows(connection, folder, files[0])}


CONNECTOR = Connector(
    name="fx_rates",
    title="Exchange rates by day, CSV",
    produces=(FX_RATES,),
    inputs={
        "raw": (
            InputColumn("rate_date", "time", required=True),
            InputColumn("from_currency", required=True),
            InputColumn("to_currency", required=True),
            InputColumn("rate", "quantity", required=True),
        )
    },
    discover=discover,
    fetch=fetch,
    read=read,
    normalize=lambda source: {"fx_rates": _FX_RATES},
    amounts=NO_AMOUNTS,
    about=About(
        vendor="Any central bank or treasury",
        kind="generic",
        interface="CSV files in a folder or bucket, a row a day and pair of currencies",
        granularity="day",
        restated="a file that changed is read again",
        cannot_tell="the rate that an invoice was settled at: that stands in invoices.csv",
        tested_with="the sample company's EUR and CAD rates, months averaged apart",
    ),
)
