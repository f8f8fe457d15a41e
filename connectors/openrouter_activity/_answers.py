"""Read answers: `{data: [record, …]}`, one a day."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from connectors._http import read_json
from connectors._sql import quoted
from models.errors import ContractError

TEXTS = ("date", "model", "model_permaslug", "endpoint_id", "provider_name", "workspace_id")
COUNTS = ("requests", "prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens")
MONEY = ("usage", "byok_usage_inference")


def rows_of(folder: Path, file: str) -> list[dict[str, Any]]:
    """Return the records of an answer."""
    answer = read_json(folder, file)
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ContractError(f"{file} is not an answer of the API: it has no list 'data'")
    return rows


def read(connection: DuckDBPyConnection, folder: Path, files: Sequence[str]) -> dict[str, str]:
    """Return the input `activity`: one row a record, numbers as the vendor's text."""
    columns = (*TEXTS, *COUNTS, *MONEY)
    connection.execute("create temp table answers (x_file varchar, data varchar)")
    for file in sorted(files):
        rows = [{name: row.get(name) for name in columns} for row in rows_of(folder, file)]
        connection.execute("insert into answers values (?, ?)", [file, json.dumps(rows)])
    structure = quoted(json.dumps([dict.fromkeys(columns, "VARCHAR")]))
    connection.execute(_ACTIVITY.format(structure=structure))
    twice = connection.execute(_TWICE).fetchone()
    if twice:
        raise ContractError(f"{twice[0]} and {twice[1]} have the same row: a day came twice")
    return {"activity": "select * from read_activity"}


_ACTIVITY = """
create temp table read_activity as
with numbered as (
    select
        x_file,
        unnest(from_json(data, {structure})) as record,
        generate_subscripts(from_json(data, '["JSON"]'), 1) as x_row
    from answers
)

select x_file, x_row, record.* from numbered order by x_file, x_row
"""
_TWICE = """
select min(x_file), max(x_file)
from read_activity
group by date, model_permaslug, endpoint_id, provider_name, workspace_id
having count(distinct x_file) > 1
order by all
limit 1
"""
