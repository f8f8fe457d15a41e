"""What counters gained from sample to sample: the query of `counter_deltas`."""

from connectors.prometheus._options import PrometheusOptions
from connectors.prometheus._placing import machines, placed

# A counter that is less than before began again. One that is seen for the first time counted from
# nothing if it is a new label beside others of its metric, or if its pod was created in these
# hours; unless another series of the metric ended at the same scrape: then only a label changed.
_DELTAS = """
        counted as (
            select
                known.known_id,
                reading.sampled_at, reading.last_scrape, reading.place,
                case
                    when known.scale = 1 then reading.number
                    else cast(reading.number * known.scale as decimal(38, 12))
                end as now_at,
                lag(now_at) over of_series as was_at,
                lag(reading.sampled_at) over of_series as last_sampled_at
            from reading inner join known_series as known on known.series_id = reading.series_id
            where known.kind = 'counter'
            window of_series as (partition by known.known_id order by reading.sampled_at)
        ),
        lives as (
            select
                known.known_id, any_value(known.says) as says, any_value(known.target) as target,
                any_value(known.metric) as metric, any_value(known.uid) as uid,
                any_value(known.namespace) as namespace, any_value(known.pod_name) as pod_name,
                min(sampled_at) as first_at, max(sampled_at) as last_at,
                arg_min_null(last_scrape, sampled_at) as last_scrape
            from counted inner join known_series as known on known.known_id = counted.known_id
            group by known.known_id
        ),
        besides as (
            select
                new.known_id,
                coalesce(bool_or(beside.last_at = new.last_scrape), false) as is_renamed,
                coalesce(bool_or(
                    beside.first_at <= new.last_scrape and beside.last_at > new.last_scrape
                ), false) as has_others
            from lives as new
            left join lives as beside
                on beside.target = new.target and beside.metric = new.metric
                and beside.says = new.says and beside.known_id <> new.known_id
            group by new.known_id
        ),
        births as (
            select
                new.known_id,
                case
                    when besides.is_renamed then null
                    when besides.has_others then new.last_scrape
                    when coalesce(pod.created_at, named.created_at)
                        >= of_day.starts - interval 1 hour
                        then greatest(coalesce(pod.created_at, named.created_at), new.last_scrape)
                end as born_after
            from lives as new
            inner join besides on besides.known_id = new.known_id
            cross join day as of_day
            left join pod on pod.uid = new.uid
            asof left join pod as named
                on named.namespace = new.namespace and named.pod_name = new.pod_name
                and named.begins_at <= new.first_at
        ),
        gained as (
            select
                counted.known_id,
                coalesce(counted.last_sampled_at, births.born_after) as counted_from,
                counted.sampled_at as counted_to,
                coalesce(counted.now_at < counted.was_at, true) as is_reset,
                if(is_reset, now_at, now_at - was_at) as quantity,
                counted.place
            from counted
            inner join births on births.known_id = counted.known_id
            cross join day as of_day
            where counted_from < counted_to
                and counted_from >= of_day.starts and counted_from < of_day.ends
        ),
        -- What stands still is one row an hour, whose last gain goes on until the next row begins.
        marked as (
            select
                *,
                lag(counted_to) over of_series as last_to,
                last_value(counted_to) over (
                    partition by known_id order by counted_to
                    rows between unbounded preceding and unbounded following
                ) as ends_at,
                quantity = 0 and not is_reset
                    and lag(quantity) over of_series = 0
                    and last_to = counted_from
                    and date_trunc('hour', lag(counted_from) over of_series)
                        = date_trunc('hour', counted_from) as goes_on
            from gained
            window of_series as (partition by known_id order by counted_to)
        ),
        gains as (
            select
                known_id, place, counted_from, quantity, is_reset,
                coalesce(
                    lead(last_to) over (partition by known_id order by counted_to), ends_at
                ) as counted_to
            from marked
            where goes_on is distinct from true
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
    """
