"""Which state nodes and pods were in, as far as samples are believed: `resource_states`.

A pod that is bound and not ready is starting. Times that Kubernetes noted (scheduled, ready,
created) cut an interval where they lie in it; else a change shows at the next sample.
"""

from connectors.prometheus._options import PrometheusOptions
from connectors.prometheus._placing import machines

_SAMPLES = """
        told as (
            select
                known.uid, known.node_name, known.says, reading.number,
                reading.sampled_at as begins,
                -- A node that the next scrape lacks may have gone at once: a bill ends with it.
                if(
                    known.uid is null and reading.next_scrape is not null
                        and coalesce(lead(reading.sampled_at) over of_series, 'infinity'::timestamp)
                            > reading.next_scrape,
                    reading.sampled_at,
                    least(reading.next_scrape, reading.sampled_at + {staleness})
                ) as ends,
                coalesce(
                    greatest(reading.last_scrape, reading.sampled_at - {staleness}),
                    reading.sampled_at - {staleness}
                ) as not_before,
                lead(reading.number) over of_series as next_number,
                row_number() over of_series = 1 as is_first,
                reading.place
            from reading inner join known_series as known on known.series_id = reading.series_id
            where known.says in (
                'pod_ready', 'pod_scheduled', 'pod_done', 'pod_deleted',
                'node_ready', 'node_not_ready', 'node_deleted'
            )
            window of_series as (
                partition by known.series_id, known.says order by reading.sampled_at
            )
        ),
        away as (
            select distinct uid, begins from told
            where (says = 'pod_done' and number = 1) or (says = 'pod_scheduled' and number = 0)
        ),
        ready as (
            select told.*, pod.scheduled_at, pod.ready_at
            from told
            inner join pod on pod.uid = told.uid
            left join away on away.uid = told.uid and away.begins = told.begins
            where told.says = 'pod_ready' and (away.uid is null or pod.scheduled_at < told.ends)
                and not exists (
                    select 1 from told as gone
                    where (
                            gone.says = 'pod_deleted'
                            or (gone.says = 'pod_done' and gone.number = 1)
                        )
                        and gone.uid = told.uid and gone.begins = told.begins
                )
        ),
"""

# Before its first sample a pod was bound since Kubernetes says so, if no scrape lies between.
_PIECES = """
        spans as (
            select
                uid, place, ready_at,
                greatest(begins, coalesce(scheduled_at, begins)) as begins,
                ends,
                case
                    when number = 1 then begins
                    when ready_at > begins and ready_at < ends and next_number = 1 then ready_at
                    else ends
                end as ready_from
            from ready
            union all
            select
                uid, place, ready_at,
                greatest(scheduled_at, not_before),
                begins,
                if(number = 1, ready_at, begins)
            from ready
            where is_first and scheduled_at < begins and scheduled_at >= not_before
                and (number = 0 or ready_at <= begins)
        ),
        pod_pieces as (
            select uid, 'starting' as state, begins, least(ends, ready_from) as ends, place
            from spans
            union all
            select uid, 'ready', greatest(begins, ready_from), ends, place from spans
            union all
            select uid, 'terminating', begins, ends, place from told
            where says = 'pod_deleted'
        ),
        node_pieces as (
            select
                node_name, begins, ends, place,
                case says
                    when 'node_ready' then 'node_ready'
                    when 'node_not_ready' then 'provisioning'
                    else 'terminating'
                end as state
            from told
            where says in ('node_deleted') or (says like 'node%' and number = 1)
            union all
            select
                told.node_name, greatest(node.created_at, told.not_before), told.begins,
                told.place, 'provisioning'
            from told inner join node on node.node_name = told.node_name
            where told.says = 'node_ready' and told.is_first
                and node.created_at < told.begins and node.created_at >= told.not_before
        ),
"""

# What a pod has of its machine: the GPUs that DCGM saw it on, else as many parts of all of them as
# it asked for; MIG slices in compute sevenths; without GPUs, millicores.
_SHAPES = """
        asked as (
            select
                uid,
                sum(number) filter (says = 'gpus_requested') as gpus,
                sum(number * try_cast(regexp_extract(resource, 'mig_(?:\\d+c_)?(\\d+)g', 1)
                    as bigint)) filter (says = 'slices_requested') as sevenths,
                sum(number) filter (says = 'cpu_requested') as cpus
            from (
                select known.uid, known.says, known.resource, known.series_id,
                    max(reading.number) as number
                from known_series as known
                inner join reading on reading.series_id = known.series_id
                where known.query = 'kube_requests' and known.uid is not null
                group by all
            )
            group by uid
        ),
        held as (
            select
                uid, gpu_index,
                sum(try_cast(coalesce(
                    nullif(regexp_extract(mig_profile, '^(\\d+)c[.]', 1), ''),
                    regexp_extract(mig_profile, '(\\d+)g', 1)
                ) as bigint)) as sevenths
            from (
                select distinct uid, gpu_index, mig_profile, mig_instance from holder
                where query = 'dcgm' and gpu_index is not null
            )
            group by uid, gpu_index
        ),
        holding as (
            select uid, count(*) as gpus, sum(sevenths) as sevenths from held group by uid
        ),
        served as (
            select uid, if(count(distinct model) = 1, min(model), null) as model
            from holder where model is not null group by uid
        ),
        shaped as (
            select
                pod.uid, machine.resource_id, machine.gpu_count, machine.pool, served.model,
                machine.gpu_shares, machine.replicas, machine.cpus as node_cpus,
                asked.gpus, asked.sevenths, asked.cpus,
                coalesce(
                    (holding.gpus = asked.gpus and holding.sevenths is null)
                    or holding.sevenths = coalesce(asked.sevenths, holding.sevenths)
                    or (asked.uid is null and holding.gpus > 0), false
                ) as is_seen
            from pod
            inner join machine on machine.node_name = pod.node_name
            left join asked on asked.uid = pod.uid
            left join holding on holding.uid = pod.uid
            left join served on served.uid = pod.uid
        ),
        shares as (
            select
                shaped.uid, resource_id, gpu_count, pool, model,
                held.gpu_index,
                coalesce(held.sevenths, if(shaped.replicas > 1, 1, null)) as slots,
                case
                    when held.sevenths is not null then 7
                    when shaped.replicas > 1 then shaped.replicas
                end as slots_of
            from shaped inner join held on held.uid = shaped.uid
            where shaped.is_seen
            union all
            select
                uid, resource_id, gpu_count, pool, model, null,
                case
                    when gpus > 0 then if(gpus < gpu_shares, gpus, null)
                    when sevenths > 0 then sevenths
                    else cpus * 1000
                end as part,
                case
                    when part is null then null
                    when gpus > 0 then gpu_shares
                    when sevenths > 0 then 7 * gpu_count
                    else node_cpus * 1000
                end
            from shaped
            where not is_seen and (
                gpus > 0 or sevenths > 0
                or (gpu_count is null and cpus > 0 and node_cpus > 0)
            )
        ),
        states as (
            select
                shares.resource_id, shares.gpu_index, shares.gpu_count,
                cast(shares.slots as bigint) as slots, cast(shares.slots_of as bigint) as slots_of,
                shares.pool, shares.uid as pod_uid, shares.model,
                pieces.state, pieces.begins, pieces.ends, pieces.place
            from pod_pieces as pieces inner join shares on shares.uid = pieces.uid
            union all
            select
                machine.resource_id, null, machine.gpu_count, null, null, machine.pool, null, null,
                pieces.state, pieces.begins, pieces.ends, pieces.place
            from node_pieces as pieces inner join machine on machine.node_name = pieces.node_name
        ),
        cut as (
            select
                states.* exclude (begins, ends),
                greatest(states.begins, day.starts) as started_at,
                least(states.ends, day.ends) as ended_at
            from states cross join day
            where states.begins < states.ends
                and states.begins < day.ends and states.ends > day.starts
        ),
        -- Of a node with two series the intervals may overlap: what reaches furthest counts.
        marked as (
            select
                *,
                if(max(ended_at) over (
                    partition by resource_id, gpu_index, pod_uid, state
                    order by started_at, ended_at
                    rows between unbounded preceding and 1 preceding
                ) >= started_at, 0, 1) as is_new
            from cut
        ),
        runs as (
            select
                *,
                sum(is_new) over (
                    partition by resource_id, gpu_index, pod_uid, state
                    order by started_at, ended_at
                ) as run
            from marked
        )"""


def resource_states(options: PrometheusOptions) -> str:
    """Return the query of `resource_states`."""
    samples = _SAMPLES.format(staleness=f"interval {options.staleness} second")
    return f"""
        with {machines(options)}, {samples} {_PIECES} {_SHAPES},
        stretches as (
            select
                resource_id, gpu_index, pod_uid, state,
                any_value(gpu_count) as gpu_count, any_value(slots) as slots,
                any_value(slots_of) as slots_of, any_value(pool) as pool,
                any_value(model) as model,
                min(started_at) as started_at, max(ended_at) as ended_at, min(place) as place
            from runs
            where {str(options.states).lower()}
            group by resource_id, gpu_index, pod_uid, state, run
        )
        select
            stretches.* exclude (place),
            page.x_file,
            stretches.place & 1099511627775 as x_row
        from stretches inner join page on page.file_id = stretches.place >> 40
        order by started_at, resource_id, gpu_index, pod_uid, state
    """
