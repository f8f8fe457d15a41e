"""The samples of a day's answers, each once, and the series that they belong to.

Temporary tables, so that the JSON is parsed once. A series is what its labels say, without those
that only tell who scraped it: the same target may be scraped by two jobs, or by two replicas of
Prometheus; the copy with the most samples counts, the other one says the same again.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import duckdb

from connectors._sql import quoted, quoted_list
from connectors.prometheus._metrics import LINES, QUERIES
from connectors.prometheus._places import PLACES
from models.errors import ContractError
from models.manifest import Manifest

_SCRAPED_BY = [
    "job", "service", "endpoint", "prometheus", "prometheus_replica", "prometheus_group",
    "__replica__", "replica", "receive", "receive_replica", "tenant_id", "metrics_path",
]  # fmt: skip
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
    create table page as
    with parsed as (
        select parse_filename(filename) as x_file, from_json(content, {structure}) as answer
        from read_text({files})
    )
    select
        x_file,
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

# Rows are counted over the whole file: of series after series, sample after sample.
_DELIVERED = f"""
    create table delivered_series as
    with numbered as (
        select x_file, unnest(series) as series, generate_subscripts(series, 1) as number
        from page
    ),
    named as (
        select
            x_file,
            number,
            series.metric as labels,
            series.metric['__name__'] as metric,
            series.values as samples,
            cast(list_sort(list_filter(
                map_entries(series.metric),
                lambda label: not list_contains({quoted_list(_SCRAPED_BY)}, label.key)
            )) as varchar) as identity,
            concat_ws('|', series.metric['job'], series.metric['instance']) as target,
            cast(series.metric as varchar) as full_identity
        from numbered
    )
    select
        *,
        cast(coalesce(sum(len(samples)) over (
            partition by x_file order by number rows between unbounded preceding and 1 preceding
        ), 0) as bigint) as rows_before
    from named
"""

_LINE = "create table line (query varchar, is_fact boolean, names varchar, says varchar, "
_LINE += "kind varchar, scale decimal(18, 4), rank bigint, label varchar, pattern varchar)"

_METRIC_LINES = """
    create table metric_line as
    select metrics.metric, line.*
    from (select distinct metric from delivered_series) as metrics
    inner join line on regexp_full_match(metrics.metric, line.names)
"""

# Of what is delivered, what we know and once: the copy of a series with the most samples.
_COPIES = """
    create table copy as
    select
        identity,
        full_identity,
        dense_rank() over (order by metric, identity) as series_id,
        any_value(metric) as metric,
        min(target) as target,
        any_value(labels) as labels,
        row_number() over (
            partition by identity order by sum(len(samples)) desc, full_identity
        ) as copy
    from delivered_series
    where metric in (select metric from metric_line)
    group by metric, identity, full_identity
    qualify copy = 1
"""

_SAMPLES = """
    create table sample as
    with unnested as (
        select
            copy.series_id,
            delivered.x_file,
            delivered.rows_before,
            unnest(delivered.samples) as pair,
            generate_subscripts(delivered.samples, 1) as position
        from delivered_series as delivered
        inner join copy on copy.full_identity = delivered.full_identity
    )
    select
        series_id,
        make_timestamp_ms(cast(cast(pair[1] as decimal(18, 3)) * 1000 as bigint)) as sampled_at,
        pair[2] as value,
        x_file,
        rows_before + position as x_row
    from unnested
    -- Where two answers meet, both may hold the sample between them.
    qualify row_number() over (
        partition by series_id, sampled_at order by x_file, x_row
    ) = 1
"""

# A float cannot hold DCGM's signs for "no value" to the last digit. What has an exponent is
# smaller than 1e-6 or greater than 1e21.
_READINGS = """
    create table judged as
    with known as (
        select distinct copy.series_id, line.query, line.kind = 'counter' as is_counter
        from copy inner join metric_line as line
            on line.metric = copy.metric
            and (line.label is null
                or coalesce(regexp_full_match(copy.labels[line.label], line.pattern), false))
    ),
    told as (
        select series_id, any_value(query) as query, bool_or(is_counter) as is_counter
        from known group by series_id
    )
    select
        sample.*,
        told.query,
        case
            when contains(sample.value, 'e') or contains(sample.value, 'E')
                then try_cast(try_cast(sample.value as double) as decimal(38, 12))
            else try_cast(sample.value as decimal(38, 12))
        end as number,
        case
            when number is null then 'is no number that can be used'
            when told.query = 'dcgm' and (
                number >= 9223372036854774000
                or number between 140737488355328 and 140737488355331
                or number between 2147483632 and 2147483635
            ) then 'is what DCGM writes where it has no value'
            when told.query = 'dcgm' and number < 0 then 'is negative'
            when told.is_counter and number < 0 then 'is negative'
        end as problem
    from sample inner join told on told.series_id = sample.series_id
"""

# The next and the last scrape of the same target: a series that is not in it has ended, or has
# not begun. Samples with times of their own, and values at steps, know only their own series.
_SCRAPES = """
    create table reading as
    with placed as (
        select
            judged.series_id, judged.sampled_at, judged.number, judged.x_file, judged.x_row,
            if(judged.query in ('cadvisor', 'kube_facts', 'kube_capacity'),
                cast(judged.series_id as varchar), copy.target) as target
        from judged inner join copy on copy.series_id = judged.series_id
    ),
    scrapes as (
        select
            target,
            sampled_at,
            min(sampled_at) over (
                partition by target order by sampled_at
                range between interval 1 second following and unbounded following
            ) as next_scrape,
            max(sampled_at) over (
                partition by target order by sampled_at
                range between unbounded preceding and interval 1 second preceding
            ) as last_scrape
        from (select distinct target, sampled_at from placed)
    )
    select
        placed.series_id, placed.sampled_at, placed.number, placed.x_file, placed.x_row,
        scrapes.next_scrape, scrapes.last_scrape
    from placed
    inner join scrapes
        on scrapes.target = placed.target and scrapes.sampled_at = placed.sampled_at
    inner join judged on judged.series_id = placed.series_id
        and judged.sampled_at = placed.sampled_at and judged.problem is null
"""

_SPOILED = """
    create table spoiled as
    select
        cast(min(judged.sampled_at) as date) as day,
        any_value(copy.metric) as metric,
        arg_min(judged.value, judged.sampled_at) as value,
        judged.problem || ', in ' || count(*) || ' samples of a series' as problem,
        arg_min(judged.x_file, judged.sampled_at) as x_file,
        arg_min(judged.x_row, judged.sampled_at) as x_row
    from judged inner join copy on copy.series_id = judged.series_id
    where judged.problem is not null
    group by judged.series_id, judged.problem
"""


def read(
    connection: duckdb.DuckDBPyConnection, folder: Path, files: Sequence[str]
) -> dict[str, str]:
    """Return the queries of `raw` (every sample) and of what is made of the samples."""
    slot = Manifest.model_validate_json((folder / "manifest.json").read_bytes()).slot
    _parse(connection, folder, files)
    connection.execute(_DELIVERED)
    _fill_lines(connection)
    for step in (_METRIC_LINES, _COPIES, _SAMPLES, _READINGS, _SCRAPES, _SPOILED, *PLACES):
        connection.execute(step)
    day = f"cast({quoted(slot)} as timestamp)"
    tables = ("reading", "known_series", "pod", "node", "holder", "spoiled", "page")
    return {
        "raw": "select x_file, rows_before + unnest(range(1, len(samples) + 1)) as x_row "
        "from delivered_series",
        "day": f"select {day} as starts, {day} + interval 1 day as ends, '' as x_file, 1 as x_row",
    } | {name: f"select * from memory.main.{name}" for name in tables}


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
