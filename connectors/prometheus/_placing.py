"""Whose a sample is: its pod at that time, and the machine as the bill calls it."""

from connectors._sql import quoted
from connectors.prometheus._options import PrometheusOptions


def listed(names: tuple[str, ...]) -> str:
    """Return an SQL list of names, to stand behind `in`."""
    return "(" + ", ".join(quoted(name) for name in names) + ")"


def machines(options: PrometheusOptions) -> str:
    """Return CTEs: `resource` (the configured names), `machine` (a node as the bill knows it)."""
    rows = ", ".join(f"({quoted(a)}, {quoted(b)})" for a, b in sorted(options.resources.items()))
    return f"""
        resource as (
            select * from (values {rows or "(null, null)"}) as given (name, resource_id)
        ),
        machine as (
            select
                node.* exclude (provider_resource),
                coalesce(resource.resource_id, node.provider_resource, node.node_name)
                    as resource_id
            from node left join resource on resource.name = node.node_name
        )
    """


# A series has one place, but for those whose pod's name was had by several: there each row has.
_PLACES = """
        with_moments as (
            select known.*, cast(null as timestamp) as moment
            from known_series as known
            where known.uid is not null or known.pod_name is null
            union all
            select known.*, moments.moment
            from known_series as known
            inner join (select distinct known_id, {moment} as moment from {rows}) as moments
                on moments.known_id = known.known_id
            where known.uid is null and known.pod_name is not null
        ),
        with_pod as (
            select
                seen.*,
                coalesce(seen.uid, named.uid) as pod_uid,
                coalesce(pod.node_name, named.node_name, seen.node_name) as at_node
            from with_moments as seen
            asof left join pod as named
                on named.namespace = seen.namespace and named.pod_name = seen.pod_name
                and named.begins_at <= seen.moment
            left join pod on pod.uid = seen.uid
        ),
        places as (
            select
                with_pod.*,
                coalesce(
                    machine.resource_id, by_node.resource_id, by_host.resource_id,
                    with_pod.at_node, if(with_pod.pod_name is null and with_pod.pod_uid is null
                        and with_pod.scaled is null, with_pod.host, null)
                ) as resource_id,
                coalesce(with_pod.scaled, machine.pool) as pool
            from with_pod
            left join machine on machine.node_name = with_pod.at_node
            left join resource as by_node on by_node.name = with_pod.at_node
            left join resource as by_host on by_host.name = with_pod.host
        ),
        placed as (
            select
                seen.*,
                known.* exclude (known_id, moment),
                page.x_file,
                seen.place & 1099511627775 as x_row
            from {rows} as seen
            inner join places as known
                on known.known_id = seen.known_id
                and coalesce(known.moment, seen.{moment}) = seen.{moment}
            inner join page on page.file_id = seen.place >> 40
        )
"""


def placed(rows: str, moment: str) -> str:
    """Return CTEs that give `rows` (known_id, place, a moment) their labels, pod and machine."""
    return _PLACES.format(rows=rows, moment=moment)
