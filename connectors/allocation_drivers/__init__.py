"""Measures that shared costs are split by, a row a measure of one member in one interval.

CSV (.csv, .csv.gz), Parquet or JSON lines (.jsonl, .jsonl.gz; .json with one object, or with
`records` as CloudZero's telemetry API takes them), at any depth of a folder or bucket. Columns:

    driver           the stream's name, such as log_bytes; `stream` and `stream_name` say the same
    timestamp        when, with granularity HOURLY, DAILY or MONTHLY (UTC; the hour, day or month
                     that holds it); or measured_from and measured_to, which is not part of it
    element          of whom: a JSON object {"customer": "cust-001"}, pairs customer:cust-001;
                     feature:search, or a bare name of what the option `element` says; also as
                     `element-name`. Or columns customer_id, feature, workflow, team, environment,
                     model
    filter           a JSON object: which costs it is about
    value            a number, 0 or more
    operation        sum (else), replace or delete

Files whose paths name the same day or month are one delivery, read in the order of their paths, and
`replace` and `delete` reach what stands before them in it: a correction of a day belongs into a
file of that day. They act on what has the same driver and interval, and the same element and filter
where they name one. A replaced measure that was not there is added; values of one key add up.

Quarantined, each with its reason: a value that is no number, negative, NaN or infinite; a time that
cannot be read; an interval that ends before it begins; an element that names nobody we know of; a
deletion that finds nothing. What no row measures is unknown, never 0.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from connectors._base import (
    NO_AMOUNTS,
    About,
    Connector,
    Delivery,
    InputColumn,
    Landed,
    Options,
    Source,
    Window,
)
from connectors._complete import check_text
from connectors._days import discover_days, fetch_days
from connectors.allocation_drivers._measures import drivers, quarantine
from connectors.allocation_drivers._read import COLUMNS, read
from models.signals import ALLOCATION_DRIVERS
from models.tables import QUARANTINE

_SUFFIXES = (".csv", ".csv.gz", ".parquet", ".jsonl", ".jsonl.gz", ".json", ".json.gz")


class DriverOptions(Options):
    """`element` is the entity that a bare element names; `driver` the stream of rows without."""

    element: Literal["customer", "feature", "workflow", "team", "environment", "model"] = "customer"
    driver: str | None = None


def discover(source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Yield a delivery a day or month of the files, and a delivery each other file."""
    del window
    return discover_days(source, landed, _SUFFIXES, by_month=True)


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Copy the files as they were when they were found."""
    for copy in fetch_days(source, delivery, folder):
        if copy.suffix != ".parquet":
            name = f"{source.name}: {copy.relative_to(folder).as_posix()}"
            check_text(copy, name, ends_its_lines=".json" not in copy.suffixes)
    return delivery


def normalize(source: Source) -> dict[str, str]:
    """Return the queries of the measures in force, and of the rows that are none."""
    options = source.options
    assert isinstance(options, DriverOptions)
    return {
        "allocation_drivers": drivers(options.element, options.driver),
        "quarantine": quarantine(options.element, options.driver),
    }


CONNECTOR = Connector(
    name="allocation_drivers",
    title="Allocation drivers: measures that shared costs are split by",
    produces=(ALLOCATION_DRIVERS, QUARANTINE),
    inputs={"raw": tuple(InputColumn(name) for name in COLUMNS)},
    discover=discover,
    fetch=fetch,
    read=read,
    normalize=normalize,
    amounts=NO_AMOUNTS,
    about=About(
        vendor="Any source of measures",
        kind="telemetry",
        interface="CSV, Parquet or JSON lines in a folder or bucket, a row a measure",
        granularity="hour, day or month, or any interval",
        restated="the files of a day or month are read again when one of them changes",
        cannot_tell="what nobody measured: it is unknown, not 0",
        tested_with="the sample company's bytes of logs and requests to the cache",
    ),
    options=DriverOptions,
)
