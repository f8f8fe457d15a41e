"""What counters gained from sample to sample: the query of `counter_deltas`."""

from connectors.prometheus._options import PrometheusOptions
from connectors.prometheus._placing import machines, placed

# A counter that is less than before began again. One that is seen for the first time counted from
# nothing if it is a new label beside others of its metric, or if its pod was created in these
# hours; unless another series of the metric ended at the same scrape: then only a label changed.
_DELTAS = """
        counted as (
            select
                known.*,
                reading.sampled_at, reading.last_scrape, reading.x_file, reading.x_row,
                cast(reading.number * known.scale as decimal(38, 12)) as now_at,
                lag(now_at) over of_series as was_at,
                lag(reading.sampled_at) over of_series as last_sampled_at
            from reading inner join known_series as known on known.series_id = reading.series_id
            where known.kind = 'counter'
            window of_series as (
                partition by known.series_id, known.says order by reading.sampled_at
            )
        ),
        lives as (
            select series_id, says, target, metric,
                min(sampled_at) as first_at, max(sampled_at) as last_at
            from counted group by series_id, says, target, metric
        ),
        births as (
            select
                new.series_id, new.says,
                if(
                    bool_or(beside.last_at = new.last_scrape), null,
                    if(bool_or(beside.first_at <= new.last_scrape
                        and beside.last_at > new.last_scrape), any_value(new.last_scrape), null)
                ) as since_scrape,
                if(coalesce(bool_or(beside.last_at = new.last_scrape), false), null,
                    any_value(greatest(
                        coalesce(pod.created_at, named.created_at), new.last_scrape
                    ))
                ) as since_created,
                any_value(coalesce(pod.created_at, named.created_at)) as created_at
            from counted as new
            left join lives as beside
                on beside.target = new.target and beside.metric = new.metric
                and beside.series_id <> new.series_id and beside.says = new.says
            left join pod on pod.uid = new.uid
            asof left join pod as named
                on named.namespace = new.namespace and named.pod_name = new.pod_name
                and named.begins_at <= new.sampled_at
            where new.last_sampled_at is null
            group by new.series_id, new.says
        ),
        begun as (
            select
                counted.*,
                case
                    when last_sampled_at is not null then last_sampled_at
                    when births.since_scrape is not null then births.since_scrape
                    when births.created_at >= of_day.starts - interval 1 hour
                        then births.since_created
                end as counted_from,
                of_day.starts, of_day.ends
            from counted
            left join births
                on births.series_id = counted.series_id and births.says = counted.says
            cross join (select starts, ends from day) as of_day
        ),
        gained as (
            select
                *,
                sampled_at as counted_to,
                coalesce(now_at < was_at, true) as is_reset,
                if(is_reset, now_at, now_at - was_at) as quantity
            from begun
            where counted_from < sampled_at and counted_from >= starts and counted_from < ends
        ),
        -- What stands still for long is one row an hour.
        marked as (
            select
                *,
                if(
                    quantity = 0 and lag(quantity) over of_series = 0
                    and not is_reset
                    and lag(counted_to) over of_series = counted_from
                    and date_trunc('hour', lag(counted_from) over of_series)
                        = date_trunc('hour', counted_from),
                    0, 1
                ) as is_new
            from gained
            window of_series as (partition by series_id, says order by counted_to)
        ),
        runs as (
            select
                *,
                sum(is_new) over (partition by series_id, says order by counted_to) as run
            from marked
        ),
        gains as (
            select
                series_id, says, run,
                any_value(columns(* exclude (
                    series_id, says, run, x_file, x_row, counted_from, counted_to, quantity,
                    is_reset, was_at, now_at, sampled_at, last_sampled_at, last_scrape, starts,
                    ends, is_new
                ))),
                min(counted_from) as counted_from,
                max(counted_to) as counted_to,
                sum(quantity) as quantity,
                bool_or(is_reset) as is_reset,
                arg_min(x_file, counted_to) as x_file,
                arg_min(x_row, counted_to) as x_row
            from runs
            group by series_id, says, run
        )
"""


def counter_deltas(options: PrometheusOptions) -> str:
    """Return the query of `counter_deltas`."""
    return f"""
        with {machines(options)}, {_DELTAS}, {placed("gains", "counted_to")}
        select
            counted_from,
            counted_to,
            'engine' as counted_by,
            says as counter,
            quantity,
            is_reset,
            resource_id,
            pod_uid,
            pod_name as pod,
            namespace,
            pool,
            query as provider_name,
            model,
            x_file,
            x_row
        from placed
        order by counted_from, says, pod_uid, series_id
    """
