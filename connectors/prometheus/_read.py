"""The answers of a day, parsed and checked; then the steps of _series.py and _places.py."""

import json
from collections.abc import Sequence
from pathlib import Path

import duckdb

from connectors._sql import quoted, quoted_list
from connectors.prometheus._metrics import LINES, QUERIES
from connectors.prometheus._places import PLACES
from connectors.prometheus._series import DELIVERED, SAMPLES
from models.errors import ContractError
from models.manifest import Manifest

_PAGE = {
    "status": "VARCHAR",
    "error": "VARCHAR",
    "warnings": ["VARCHAR"],
    "infos": ["VARCHAR"],
    "data": {
        "resultType": "VARCHAR",
        "result": [{"metric": "MAP(VARCHAR, VARCHAR)", "values": [["VARCHAR"]]}],
    },
}

# A struct of NULLs is what an answer of another shape becomes: `problem` says so.
_PAGES = """
    create temp table page as
    with parsed as (
        select parse_filename(filename) as x_file, from_json(content, {structure}) as answer
        from read_text({files})
    )
    select
        x_file,
        row_number() over (order by x_file) as file_id,
        answer.data.result as series,
        list_concat(coalesce(answer.warnings, []), coalesce(answer.infos, [])) as warnings,
        case
            when answer.status is distinct from 'success'
                then 'status is ' || coalesce(answer.status, 'missing')
                    || coalesce(' (' || answer.error || ')', '') || '; allowed: success'
            when answer.data.resultType is distinct from 'matrix'
                then 'resultType is ' || coalesce(answer.data.resultType, 'missing')
                    || '; allowed: matrix (of a range such as metric[1h], or of query_range)'
        end as problem
    from parsed
    order by x_file
"""

_LINE = "create temp table line (query varchar, is_fact boolean, names varchar, says varchar, "
_LINE += "kind varchar, scale decimal(18, 4), rank bigint, label varchar, pattern varchar)"


def read(
    connection: duckdb.DuckDBPyConnection, folder: Path, files: Sequence[str]
) -> dict[str, str]:
    """Return the queries of `raw` (every sample) and of what is made of the samples."""
    slot = Manifest.model_validate_json((folder / "manifest.json").read_bytes()).slot
    _parse(connection, folder, files)
    connection.execute(DELIVERED)
    _fill_lines(connection)
    for step in (*SAMPLES, *PLACES):
        connection.execute(step)
    day = f"cast({quoted(slot)} as timestamp)"
    tables = ("reading", "known_series", "pod", "node", "holder", "spoiled", "page")
    for name in tables:  # The inputs have their names.
        connection.execute(f"alter table {name} rename to found_{name}")
    return {
        "raw": "select page.x_file, rows_before + unnest(range(1, len(samples) + 1)) as x_row "
        "from delivered_series inner join found_page as page "
        "on page.file_id = delivered_series.file_id",
        "day": f"select {day} as starts, {day} + interval 1 day as ends, '' as x_file, 1 as x_row",
    } | {name: f"select * from found_{name}" for name in tables}


def _parse(connection: duckdb.DuckDBPyConnection, folder: Path, files: Sequence[str]) -> None:
    paths = quoted_list([str(folder / file) for file in files])
    connection.execute(_PAGES.format(structure=quoted(json.dumps(_PAGE)), files=paths))
    bad = connection.execute(
        "select x_file, problem from page where problem is not null limit 1"
    ).fetchone()
    if bad:
        raise ContractError(f"{folder.parent.name}: file {bad[0]}: {bad[1]}")
    nameless = connection.execute(
        "select x_file from (select x_file, unnest(series) as series from page) "
        "where series.metric['__name__'] is null limit 1"
    ).fetchone()
    if nameless:
        raise ContractError(
            f"{folder.parent.name}: file {nameless[0]}: a series has no __name__; "
            "save answers of a metric itself, not of rate() or sum()"
        )


def _fill_lines(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(_LINE)
    facts = {query.name for query in QUERIES if query.is_fact}
    for line in LINES:
        connection.execute(
            "insert into line values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                line.query, line.query in facts, line.names, line.says, line.kind, line.scale,
                line.rank, line.label or None, line.value or None,
            ],
        )  # fmt: skip
