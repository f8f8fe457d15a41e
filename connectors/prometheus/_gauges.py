"""What gauges showed, and for how long that is believed: the query of `gauge_samples`."""

from connectors.prometheus._metrics import ENGINES, SUMMED
from connectors.prometheus._options import PrometheusOptions
from connectors.prometheus._placing import listed, machines, placed

# A sample is believed until the next scrape of its target, but not for longer than the limit. Of
# several series of a pod the sum counts, wherever at least one of them is believed.
_GAUGES = """
        parts as (
            select
                known_id, series_id, says, scale, is_fact,
                says in {summed} as is_summed,
                if(is_summed, -dense_rank() over (order by
                    says, coalesce(uid, namespace || '/' || pod_name, target), model
                ), known_id) as part
            from known_series
            where kind = 'gauge'
        ),
        believed as (
            select
                parts.known_id,
                parts.part,
                reading.sampled_at as begins,
                least(
                    reading.next_scrape,
                    reading.sampled_at + if(
                        parts.is_fact, greatest({staleness}, interval 300 second), {staleness}
                    )
                ) as ends,
                case
                    when parts.scale = 1 then reading.number
                    else cast(reading.number * parts.scale as decimal(38, 12))
                end as value,
                reading.place
            from reading inner join parts on parts.series_id = reading.series_id
            where parts.says <> 'cpu_used'
        ),
        used as (
            select
                parts.known_id,
                parts.part,
                lag(reading.sampled_at) over of_series as begins,
                reading.sampled_at as ends,
                reading.number - lag(reading.number) over of_series as gained,
                date_diff('millisecond', begins, ends) as milliseconds,
                if(gained < 0, reading.number, gained) as seconds,
                reading.place
            from reading inner join parts on parts.series_id = reading.series_id
            where parts.says = 'cpu_used'
            window of_series as (partition by parts.known_id order by reading.sampled_at)
        ),
        intervals as (
            select * from believed
            union all
            select
                known_id, part, begins, ends,
                cast(cast(cast(seconds * 1000000000 as hugeint) * 1000 // milliseconds
                    as decimal(28, 0)) * 0.000000001::decimal(10, 9) as decimal(38, 12)) as value,
                place
            from used
            where begins is not null and ends <= begins + {staleness}
        ),
        edges as (
            select part, begins as moment, value as more, 1 as series, known_id, place
            from intervals where part < 0
            union all
            select part, ends, -value, -1, null, null
            from intervals where part < 0
        ),
        moments as (
            select
                part, moment, sum(more) as more, sum(series) as series,
                min(known_id) as known_id, min(place) as place
            from edges group by part, moment
        ),
        summed as (
            select
                last_value(known_id ignore nulls) over so_far as known_id,
                part,
                moment as begins,
                lead(moment) over (partition by part order by moment) as ends,
                cast(sum(more) over so_far as decimal(38, 12)) as value,
                sum(series) over so_far as believed_series,
                last_value(place ignore nulls) over so_far as place
            from moments
            window so_far as (
                partition by part order by moment
                rows between unbounded preceding and current row
            )
        ),
        pieces as (
            select * from intervals where part > 0
            union all
            select known_id, part, begins, ends, value, place from summed where believed_series > 0
        ),
        -- What does not change is one row an hour: its last one goes on until the next begins.
        marked as (
            select
                pieces.*,
                lag(pieces.ends) over of_part as last_ends,
                last_value(pieces.ends) over (
                    partition by part order by begins
                    rows between unbounded preceding and unbounded following
                ) as part_ends,
                lag(value) over of_part = value and last_ends = begins
                    and date_trunc('hour', lag(begins) over of_part) = date_trunc('hour', begins)
                    as goes_on
            from pieces cross join day as of_day
            where begins >= of_day.starts and begins < of_day.ends
            window of_part as (partition by part order by begins)
        ),
        shown as (
            select
                known_id, place, begins as sampled_at, value,
                coalesce(lead(last_ends) over (partition by part order by begins), part_ends)
                    as believed_until
            from marked
            where goes_on is distinct from true
        )
"""


def gauge_samples(options: PrometheusOptions) -> str:
    """Return the query of `gauge_samples`."""
    staleness = f"interval {options.staleness} second"
    gauges = _GAUGES.format(summed=listed(SUMMED), staleness=staleness)
    return f"""
        with {machines(options)}, {gauges}, {placed("shown", "sampled_at")}
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
    """
