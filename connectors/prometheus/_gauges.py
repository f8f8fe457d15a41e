"""What gauges showed, and for how long that is believed: the query of `gauge_samples`."""

from connectors.prometheus._metrics import ENGINES, SUMMED
from connectors.prometheus._options import PrometheusOptions
from connectors.prometheus._placing import listed, machines, placed

# A sample is believed until the next scrape of its target, but not for longer than the limit. Of
# several series of a pod the sum counts, wherever at least one of them is believed.
_GAUGES = """
        believed as (
            select
                known.series_id,
                known.says,
                if(known.says in {summed}, concat_ws(
                    '|', known.says, coalesce(known.uid, known.namespace || '/' || known.pod_name,
                    known.target), known.model
                ), concat_ws('|', known.says, known.series_id)) as part,
                reading.sampled_at as begins,
                least(
                    coalesce(reading.next_scrape, timestamp 'infinity'),
                    reading.sampled_at + if(
                        known.is_fact, greatest({staleness}, interval 300 second), {staleness}
                    )
                ) as ends,
                cast(reading.number * known.scale as decimal(38, 12)) as value,
                reading.x_file,
                reading.x_row
            from reading inner join known_series as known on known.series_id = reading.series_id
            where known.kind = 'gauge' and known.says <> 'cpu_used'
        ),
        used as (
            select
                known.series_id,
                known.says,
                concat_ws('|', known.says, coalesce(known.uid,
                    known.namespace || '/' || known.pod_name, known.target)) as part,
                lag(reading.sampled_at) over of_series as begins,
                reading.sampled_at as ends,
                reading.number - lag(reading.number) over of_series as gained,
                date_diff('millisecond', begins, ends) as milliseconds,
                if(gained < 0, reading.number, gained) as seconds,
                reading.x_file,
                reading.x_row
            from reading inner join known_series as known on known.series_id = reading.series_id
            where known.says = 'cpu_used'
            window of_series as (partition by known.series_id order by reading.sampled_at)
        ),
        intervals as (
            select * from believed
            union all
            select
                series_id, says, part, begins, ends,
                cast(cast(cast(seconds * 1000000000 as hugeint) * 1000 // milliseconds
                    as decimal(28, 0)) * 0.000000001::decimal(10, 9) as decimal(38, 12)) as value,
                x_file, x_row
            from used
            where begins is not null and ends <= begins + {staleness}
        ),
        edges as (
            select part, begins as moment, value as more, 1 as series, series_id, x_file, x_row
            from intervals where says in {summed}
            union all
            select part, ends, -value, -1, null, null, null
            from intervals where says in {summed}
        ),
        moments as (
            select
                part, moment, sum(more) as more, sum(series) as series,
                min(series_id) as series_id, min(x_file) as x_file, min(x_row) as x_row
            from edges group by part, moment
        ),
        summed as (
            select
                last_value(series_id ignore nulls) over so_far as series_id,
                part,
                moment as begins,
                lead(moment) over (partition by part order by moment) as ends,
                cast(sum(more) over so_far as decimal(38, 12)) as value,
                sum(series) over so_far as believed_series,
                last_value(x_file ignore nulls) over so_far as x_file,
                last_value(x_row ignore nulls) over so_far as x_row
            from moments
            window so_far as (
                partition by part order by moment
                rows between unbounded preceding and current row
            )
        ),
        pieces as (
            select series_id, says, part, begins, ends, value, x_file, x_row
            from intervals where says not in {summed}
            union all
            select series_id, split_part(part, '|', 1), part, begins, ends, value, x_file, x_row
            from summed where believed_series > 0
        ),
        -- What does not change is one row an hour.
        marked as (
            select
                *,
                if(
                    lag(value) over of_part = value and lag(ends) over of_part = begins
                    and date_trunc('hour', lag(begins) over of_part) = date_trunc('hour', begins),
                    0, 1
                ) as is_new
            from pieces cross join (select starts as day_starts, ends as day_ends from day)
            where begins >= day_starts and begins < day_ends
            window of_part as (partition by part order by begins)
        ),
        runs as (
            select *, sum(is_new) over (partition by part order by begins) as run from marked
        ),
        shown as (
            select
                arg_min(series_id, begins) as series_id,
                says,
                min(begins) as sampled_at,
                max(ends) as believed_until,
                any_value(value) as value,
                arg_min(x_file, begins) as x_file,
                arg_min(x_row, begins) as x_row
            from runs group by part, says, run
        ),
        seen_at as (
            select known.* exclude (says), shown.* exclude (series_id)
            from shown inner join known_series as known
                on known.series_id = shown.series_id and known.says = shown.says
        )
"""


def gauge_samples(options: PrometheusOptions) -> str:
    """Return the query of `gauge_samples`."""
    staleness = f"interval {options.staleness} second"
    gauges = _GAUGES.format(summed=listed(SUMMED), staleness=staleness)
    return f"""
        with {machines(options)}, {gauges}, {placed("seen_at", "sampled_at")}
        select
            sampled_at,
            believed_until,
            says as gauge,
            value,
            resource_id,
            gpu_uuid,
            mig_profile,
            pool,
            gpu_index,
            mig_instance,
            pod_uid,
            pod_name as pod,
            namespace,
            if(query in {listed(ENGINES)}, model, null) as model,
            x_file,
            x_row
        from placed
        order by sampled_at, says, resource_id, gpu_index, pod_uid, series_id
    """
