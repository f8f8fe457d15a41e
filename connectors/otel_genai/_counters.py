"""Counters of model calls as what they gained between two points: `counter_deltas`.

A line of `METRICS` is one counter: a metric, what of a point counts (`value`, or `count` and `sum`
of a histogram), and, where a metric counts several things, the attribute that tells them apart. Of
metrics that count the same in one process, the one with the lowest rank is used: instrumentations
may send an old and a new name at once.

Delta points are taken as they are. Of cumulative ones, a series (a process, scope, metric and all
attributes) gains the difference to its point before; after a restart (another start time, or a
value that fell) all of the new value, marked `is_reset`. A series that an export of its process did
not tell yet, and the next one does, gained all of its value in between. The first export of a file
continues from the file before it, where the source is `chained`, or counts from its start if that
file knows nothing of its process; otherwise it counts only if it is surely the first that its
process sent: it came about one interval after its start time. What the file before told later on
is not told again, nor is a file with the bytes of another one; points of delta counters that come
again among others, in a file that does not follow, count again.
"""

from dataclasses import dataclass

import duckdb

from connectors._base import Source
from connectors._sql import quoted
from connectors.otel_genai import _names as names
from connectors.otel_genai._entities import ENTITIES, configured


@dataclass(frozen=True)
class Metric:
    """One counter; without values, any value of the attribute will do."""

    metric: str
    counts: str
    counter: str
    rank: int = 0
    attribute: str | None = None
    values: tuple[str, ...] = ()


_USAGE = "gen_ai.client.inference.usage."
_TYPE, _CACHE, _PHASE = "gen_ai.token.type", "gen_ai.token.cache", "gen_ai.token.phase"
_CLIENT = (
    Metric(f"{_USAGE}input_tokens", "value", "input_tokens"),
    Metric(f"{_USAGE}output_tokens", "value", "output_tokens"),
    Metric(f"{_USAGE}cache_read.input_tokens", "value", "cache_read_tokens"),
    Metric(f"{_USAGE}cache_write.input_tokens", "value", "cache_write_tokens"),
    Metric(f"{_USAGE}reasoning.output_tokens", "value", "reasoning_tokens"),
    Metric("gen_ai.client.inference.tokens", "value", "input_tokens", 1, _TYPE, ("input",)),
    Metric("gen_ai.client.inference.tokens", "value", "output_tokens", 1, _TYPE, ("output",)),
    Metric("gen_ai.client.inference.input_tokens_by_cache", "value", "cache_read_tokens", 1,
           _CACHE, ("read",)),
    Metric("gen_ai.client.inference.input_tokens_by_cache", "value", "cache_write_tokens", 1,
           _CACHE, ("creation", "write")),
    Metric("gen_ai.client.inference.output_tokens_by_phase", "value", "reasoning_tokens", 1,
           _PHASE, ("reasoning", "thinking")),
    Metric("gen_ai.client.token.usage", "sum", "input_tokens", 2, _TYPE, ("input", "prompt")),
    Metric("gen_ai.client.token.usage", "sum", "output_tokens", 2, _TYPE,
           ("output", "completion")),
    Metric("gen_ai.client.operation.duration", "count", "requests"),
    Metric("gen_ai.client.operation.duration", "count", "failed_requests", 0, "error.type"),
    Metric("gen_ai.client.token.usage", "count", "requests", 1, _TYPE, ("input", "prompt")),
)  # fmt: skip
# vLLM under all its prefixes, SGLang and TGI, as a Prometheus receiver hands them on.
_ENGINE = (
    Metric("gen_ai.server.request.duration", "count", "requests"),
    Metric("gen_ai.server.request.duration", "count", "failed_requests", 0, "error.type"),
    Metric("vllm:prompt_tokens", "value", "input_tokens"),
    Metric("vllm:generation_tokens", "value", "output_tokens"),
    Metric("vllm:prompt_tokens_cached", "value", "cache_read_tokens"),
    Metric("vllm:prompt_tokens_by_source", "value", "cache_read_tokens", 1, "source",
           ("local_cache_hit", "external_kv_transfer")),
    Metric("vllm:request_success", "value", "requests", 1),
    Metric("vllm:request_success", "value", "failed_requests", 1, "finished_reason", ("error",)),
    Metric("vllm:num_preemptions", "value", "preemptions"),
    Metric("sglang:prompt_tokens", "value", "input_tokens"),
    Metric("sglang:generation_tokens", "value", "output_tokens"),
    Metric("sglang:cached_tokens", "value", "cache_read_tokens"),
    Metric("sglang:num_requests", "value", "requests", 1),
    Metric("tgi_request_count", "value", "requests", 1),
    Metric("tgi_request_input_length", "sum", "input_tokens"),
    Metric("tgi_request_generated_tokens", "sum", "output_tokens"),
)  # fmt: skip
METRICS = {"client": _CLIENT, "engine": _ENGINE}

_MODEL = ("gen_ai.response.model", "gen_ai.request.model", "model_name", "model")
_PROVIDER = ("gen_ai.provider.name", "gen_ai.system")
_YEARS = "between 946684800000000000 and 4102444799999999999"
_NAMED = """
    regexp_replace(regexp_replace(metric, '^(ray_|kserve_)?vllm[:_]', 'vllm:'), '_total$', '')
"""


def _known() -> str:
    def literal(text: str | None) -> str:
        return "null" if text is None else quoted(text)

    rows = (
        f"({quoted(it.metric)}, {quoted(it.counts)}, {quoted(it.counter)}, {it.rank}, "
        f"{literal(it.attribute)}, {quoted('|'.join(it.values))}, {quoted(by)})"
        for by, metrics in METRICS.items()
        for it in metrics
    )
    columns = "metric_name, counts, counter, rank, attribute_name, allowed, counted_by"
    return f"(values {', '.join(rows)}) as known({columns})"


# A number with an exponent is read as what it is: some writers never write plain ones.
_MEASURED = f"""
    create temp table measured_point as
        select
            point.*, counter, counted_by, rank, counts,
            case counts when 'sum' then "sum" when 'count' then "count" else value end as said,
            if(contains(lower(said), 'e'), cast(try_cast(said as double) as decimal(38, 12)),
                try_cast(said as decimal(38, 12))) as number,
            nullif(try_cast(start_time_unix_nano as bigint), 0) as start_nano,
            try_cast(time_unix_nano as bigint) as time_nano,
            temporality in ('1', 'DELTA') as is_delta,
            coalesce(scope_name, '') || if(is_delta, ' delta', '') as scope_id,
            cast(list_sort(list_zip(attributes['keys'], attributes['values'])) as varchar)
                as labels,
            case
                when kind = 'gauge' or (kind = 'sum' and coalesce(is_monotonic, '') <> 'true')
                    then 'is no counter: a monotonic sum or a histogram is'
                when coalesce(temporality not in ('1', '2', 'DELTA', 'CUMULATIVE'), true)
                    then 'has no aggregation temporality: 1 (delta) or 2 (cumulative)'
                when coalesce(time_nano not {_YEARS}, true)
                    then 'has a time that is not between 2000 and 2099'
                when number is null then 'is not a number'
                when number < 0 then 'is negative'
            end as problem
        from delivered_point as point inner join {_known()}
            on metric_name = {_NAMED} and (
                attribute_name is null
                or if(allowed = '', attribute(attributes, attribute_name) is not null,
                    list_contains(
                        string_split(allowed, '|'), attribute(attributes, attribute_name)))
            )
        -- A point without a recorded value only says that its series ended.
        where coalesce(flags, 0) % 2 = 0
        qualify rank = min(rank) over (partition by resource_id, counted_by, counter)
"""
# Most files have no points: then this is half of the work that their counters make.
_NOTHING_MEASURED = """
    create temp table measured_point as
        select
            *, '' as counter, '' as counted_by, 0 as rank, '' as counts, '' as said,
            cast(0 as decimal(38, 12)) as number, 0::bigint as start_nano, 0::bigint as time_nano,
            false as is_delta, '' as scope_id, '' as labels, '' as problem
        from delivered_point limit 0
"""
_QUARANTINED = f"""
    point_times as (
        select quantile_disc(time_nano, 0.5) as point_median
        from measured where time_nano {_YEARS}
    ),
    quarantined_points as (
        select distinct metric as column_name, said as value, problem as reason, x_row
        from measured where problem is not null and not is_previous
    )
"""

_GAINED = """
    sampled as (
        select * from measured where problem is null
        qualify row_number() over (
            partition by resource_id, scope_id, metric, counts, counter, labels, time_nano,
                if(is_delta, start_nano, null)
            order by is_previous desc, x_row
        ) = 1
    ),
    -- Cumulative exports tell every series, each time.
    exports as (
        select
            resource_id,
            scope_id,
            time_nano,
            lag(time_nano) over process as export_before,
            lead(time_nano) over process as export_after
        from (select distinct resource_id, scope_id, time_nano from sampled)
        window process as (partition by resource_id, scope_id order by time_nano)
    ),
    ordered as (
        select
            *,
            lag(number) over series as number_before,
            lag(time_nano) over series as time_before,
            lag(start_nano) over series as start_before,
            export_before,
            export_after,
            -- The file before told the same counter later on: with it, what it had gained by now.
            coalesce(not is_delta and time_nano <= max(if(is_previous, time_nano, null)) over (
                partition by resource_id, scope_id, metric, counts, counter, labels
            ), false) as was_told
        from sampled inner join exports using (resource_id, scope_id, time_nano)
        window series as (
            partition by resource_id, scope_id, metric, counts, counter, labels
            order by time_nano, coalesce(start_nano, 0), x_row
        )
    ),
    gained as (
        select
            *,
            case
                when is_delta then coalesce(least(start_nano, time_nano), time_nano)
                when time_before is not null then time_before
                when export_before is not null
                    then greatest(export_before, coalesce(start_nano, export_before))
                when 2 * (time_nano - start_nano) <= 3 * (export_after - time_nano)
                    or (select coalesce(bool_or(is_previous), false) from sampled)
                    then start_nano
            end as from_nano,
            time_before is not null and not is_delta
                and (number < number_before or start_nano > start_before) as is_reset,
            if(is_delta or is_reset or time_before is null, number, number - number_before)
                as quantity
        from ordered
    )
"""


def quarantine_ctes() -> str:
    """Return the CTEs that end with `quarantined_points`."""
    return _QUARANTINED


def measure(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `measured_point`: the points that count, their numbers, and their `problem`."""
    has_points = connection.execute("select 1 from delivered_point limit 1").fetchone()
    connection.execute(_MEASURED if has_points else _NOTHING_MEASURED)


def _told(found: tuple[str, ...]) -> str:
    """What a point says, else the process that sent it."""
    return f"coalesce({names.first(found)}, {names.first(found, 'resource_attributes')})"


def _of_engine(*found: str) -> str:
    """Where a client runs is not where the model does."""
    return f"if(counted_by = 'engine', {_told(found)}, null)"


def counter_deltas(source: Source) -> str:
    """Return the SQL of what each counter gained."""
    whose = {"sub_account_id": "sub_account", "api_key_id": "api_key", **ENTITIES}
    entities = (f"{_told(configured(source, name))} as {column}" for column, name in whose.items())
    return f"""
    with {_GAINED}
    select
        make_timestamp(from_nano // 1000) as counted_from,
        make_timestamp(time_nano // 1000) as counted_to,
        counted_by,
        counter,
        quantity,
        coalesce(is_reset, false) as is_reset,
        {_of_engine("host.id")} as resource_id,
        {_of_engine(*source.attributes.get("pod", ()))} as pod_uid,
        {_of_engine("k8s.pod.name", "pod")} as pod,
        {_of_engine("k8s.namespace.name", "namespace")} as namespace,
        {names.first(_PROVIDER)} as provider_name,
        {names.first(_MODEL)} as model,
        {", ".join(entities)},
        x_file,
        x_row
    from gained
    where from_nano is not null and not is_previous and not was_told
    order by x_row, counter
    """
