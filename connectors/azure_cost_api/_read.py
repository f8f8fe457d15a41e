"""The rows of a month: of reports as of exports; of a query's pages by their columns' names."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from connectors._azure._columns import COLUMNS, places
from connectors._azure._read import dataset_of
from connectors._azure._read import read as read_reports
from connectors._http import read_json
from models.errors import ContractError

_ADDED = ("dataset", "states_invoices", "x_file", "x_row")


def read(connection: DuckDBPyConnection, folder: Path, files: Sequence[str]) -> dict[str, str]:
    """Return the query of `raw`."""
    pages = [file for file in sorted(files) if dataset_of(file) == "query"]
    if not pages:
        return read_reports(connection, folder, files)
    connection.execute("set variable has_both_datasets = false")
    names = [column.name for column in COLUMNS if column.name not in _ADDED]
    wanted = [*names, *_ADDED]
    connection.execute(f"create temp table pages ({', '.join(f'{n} varchar' for n in wanted)})")
    for file in pages:
        page = read_json(folder, file)
        rows = _rows(page, file, names)
        if file == pages[-1] and page["properties"].get("nextLink"):
            raise ContractError(f"{file} says that another page follows, but it is the last")
        if rows:
            marks = ", ".join("?" for _ in wanted)
            connection.executemany(f"insert into pages values ({marks})", rows)
    return {"raw": "select * replace (cast(x_row as bigint) as x_row) from pages"}


def _rows(page: Any, file: str, names: Sequence[str]) -> list[list[str | None]]:
    try:
        header = [str(column["name"]) for column in page["properties"]["columns"]]
        rows = page["properties"]["rows"]
        found = places(header, COLUMNS)
        index = {name: header.index(found[name]) for name in names if name in found}
        return [_row(row, index, names, page, file, number) for number, row in enumerate(rows, 1)]
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ContractError(
            f"{file} is no page of a query: it has no properties with columns and rows"
        ) from error


def _row(
    row: Sequence[Any],
    index: dict[str, int],
    names: Sequence[str],
    page: Any,
    file: str,
    number: int,
) -> list[str | None]:
    values = _scope(page)
    values |= {name: _text(row[place]) for name, place in index.items()}
    # Days are numbers: 20261001.
    if values.get("date") and re.fullmatch(r"\d{8}", str(values["date"])):
        day = str(values["date"])
        values["date"] = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    if str(values.get("date"))[:7] != file[:7]:
        raise ContractError(
            f"{file}: row {number} is of the day {values.get('date')}; allowed: {file[:7]}"
        )
    added = ["actual", "false", file, str(number)]
    return [*(values.get(name) for name in names), *added]


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(value)


def _scope(page: Any) -> dict[str, str | None]:
    """Return the subscription or the billing account that a page's id names."""
    scope = str(page.get("id") or "")
    subscription = re.search(r"subscriptions/([^/]+)", scope, re.IGNORECASE)
    account = re.search(r"billingAccounts/([^/]+)", scope, re.IGNORECASE)
    return {
        "subscription_id": subscription[1] if subscription else None,
        "billing_account_id": account[1] if account else None,
    }
