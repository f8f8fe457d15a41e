"""The samples of a day's answers, each once, and the series that they belong to.

Temporary tables, so that the JSON is parsed once. A series is what its labels say, without those
that only tell who scraped it: the same target may be scraped by two jobs, or by two replicas of
Prometheus; the copy with the most samples counts, the other one says the same again. What
kube-state-metrics says is about other objects than itself: all its copies (of an instance before
and after a restart, or side by side) are one series.
"""

from connectors._sql import quoted_list

_SCRAPED_BY = [
    "job", "service", "endpoint", "prometheus", "prometheus_replica", "prometheus_group",
    "__replica__", "replica", "receive", "receive_replica", "tenant_id", "metrics_path",
]  # fmt: skip
# Where the target has a label of the same name, the metric's own begins with `exported_`.
_MACROS = """
    create temp macro own(labels, name) as
        coalesce(nullif(labels['exported_' || name], ''), nullif(labels[name], ''))
"""

# Rows are counted over the whole file: of series after series, sample after sample.
DELIVERED = """
    create temp table delivered_series as
    with numbered as (
        select file_id, unnest(series) as series, generate_subscripts(series, 1) as number
        from page
    )
    select
        file_id,
        number,
        series.metric as labels,
        series.metric['__name__'] as metric,
        series.values as samples,
        cast(coalesce(sum(len(series.values)) over (
            partition by file_id order by number rows between unbounded preceding and 1 preceding
        ), 0) as bigint) as rows_before
    from numbered
"""

_METRIC_LINES = """
    create temp table metric_line as
    select metrics.metric, line.*
    from (select distinct metric from delivered_series) as metrics
    inner join line on regexp_full_match(metrics.metric, line.names)
"""

_KUBE_LABELS = (
    "node", "condition", "status", "phase", "resource", "cluster", "provider_id",
    "horizontalpodautoscaler", "hpa", "pod_ip", "host_network",
)  # fmt: skip
_POD_LABELS = ("namespace", "pod", "uid", "container")


def _listed(labels: tuple[str, ...]) -> str:
    return ", ".join(f"own(labels, '{label}')" for label in labels)


_COPIES = f"""
    create temp table copy as
    with known as (
        select delivered.*, metrics.query, metrics.query like 'kube%' as is_kube
        from delivered_series as delivered
        inner join (select metric, any_value(query) as query from metric_line group by metric)
            as metrics on metrics.metric = delivered.metric
    ),
    named as (
        select
            *,
            concat_ws('|', labels['job'], labels['instance']) as target,
            cast(labels as varchar) as full_identity,
            case
                when is_kube then cast([
                    metric, {_listed(_KUBE_LABELS)},
                    if(metric like 'kube_node%', null, cast([{_listed(_POD_LABELS)}] as varchar))
                ] as varchar)
                else cast(list_sort(list_filter(
                    map_entries(labels),
                    lambda label: not list_contains({quoted_list(_SCRAPED_BY)}, label.key)
                )) as varchar)
            end as identity
        from known
    )
    select
        dense_rank() over (order by metric, identity) as series_id,
        -- Samples with times of their own, and values at steps, know only their own series.
        if(any_value(query) in ('cadvisor', 'kube_facts', 'kube_capacity'),
            -series_id, dense_rank() over (order by min(target))) as target_id,
        full_identity,
        any_value(is_kube) as is_kube,
        any_value(query) as query,
        metric,
        min(target) as target,
        any_value(labels) as labels,
        row_number() over (
            partition by identity order by sum(len(samples)) desc, full_identity
        ) as copy
    from named
    group by metric, identity, full_identity
    qualify copy = 1 or any_value(is_kube)
"""

# Where two answers meet, both may hold the sample between them: the place (file and row) that comes
# first counts. A float cannot hold DCGM's signs for "no value" to the last digit; what has an
# exponent is smaller than 1e-6 or greater than 1e21.
_JUDGED = """
    create temp table judged as
    with told as (
        select
            copy.series_id,
            any_value(copy.query) = 'dcgm' as is_dcgm,
            bool_or(line.kind = 'counter' or line.says = 'cpu_used') as is_counter
        from copy inner join metric_line as line on line.metric = copy.metric
        where copy.copy = 1 and (line.label is null
            or coalesce(regexp_full_match(copy.labels[line.label], line.pattern), false))
        group by copy.series_id
    ),
    unnested as (
        select
            copy.series_id,
            copy.target_id,
            (delivered.file_id << 40) + delivered.rows_before as place_before,
            unnest(delivered.samples) as pair,
            generate_subscripts(delivered.samples, 1) as position
        from delivered_series as delivered
        inner join copy on copy.full_identity = cast(delivered.labels as varchar)
    ),
    once as (
        select
            series_id,
            cast(cast(pair[1] as decimal(18, 3)) * 1000 as bigint) as milliseconds,
            min(place_before + position) as place,
            arg_min(pair[2], place_before + position) as value,
            arg_min(target_id, place_before + position) as target_id
        from unnested
        group by series_id, milliseconds
    )
    select
        once.series_id,
        once.target_id,
        once.place,
        make_timestamp_ms(once.milliseconds) as sampled_at,
        case
            when contains(value, 'e') or contains(value, 'E')
                then try_cast(try_cast(value as double) as decimal(38, 12))
            when _fits(value, 12, 6)
                then cast(try_cast(value as decimal(18, 6)) as decimal(38, 12))
            else try_cast(value as decimal(38, 12))
        end as number,
        case
            when number is null then 'is no number that can be used'
            when number < 0 and (told.is_dcgm or told.is_counter) then 'is negative'
            when told.is_dcgm and number > 2147483631 and (
                number >= 9223372036854774000
                or number between 140737488355328 and 140737488355331
                or number <= 2147483635
            ) then 'is what DCGM writes where it has no value'
        end as problem,
        if(problem is null, null, value) as value
    from once inner join told on told.series_id = once.series_id
"""

# The next and the last scrape of the same target: a series that is not in it has ended, or has
# not begun.
_READINGS = """
    create temp table reading as
    with scrapes as (
        select
            target_id,
            sampled_at,
            min(sampled_at) over (
                partition by target_id order by sampled_at
                range between interval 1 second following and unbounded following
            ) as next_scrape,
            max(sampled_at) over (
                partition by target_id order by sampled_at
                range between unbounded preceding and interval 1 second preceding
            ) as last_scrape
        from (select distinct target_id, sampled_at from judged)
    )
    select
        judged.series_id, judged.sampled_at, judged.number, judged.place,
        least(
            lead(judged.sampled_at) over (partition by judged.series_id order by judged.sampled_at),
            scrapes.next_scrape
        ) as next_scrape,
        scrapes.last_scrape
    from judged
    inner join scrapes
        on scrapes.target_id = judged.target_id and scrapes.sampled_at = judged.sampled_at
    where judged.problem is null
"""

_SPOILED = """
    create temp table spoiled as
    select
        cast(min(judged.sampled_at) as date) as day,
        any_value(copy.metric) as metric,
        arg_min(judged.value, judged.sampled_at) as value,
        judged.problem || ', in ' || count(*) || ' samples of a series' as problem,
        arg_min(judged.place, judged.sampled_at) as place
    from judged inner join copy on copy.series_id = judged.series_id and copy.copy = 1
    where judged.problem is not null
    group by judged.series_id, judged.problem
"""

SAMPLES = (_MACROS, _METRIC_LINES, _COPIES, _JUDGED, _READINGS, _SPOILED)
