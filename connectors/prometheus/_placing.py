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


def placed(rows: str, moment: str) -> str:
    """Return CTEs that give `rows` (of known series) the uid of their pod and their machine."""
    return f"""
        with_pod as (
            select
                seen.*,
                coalesce(seen.uid, named.uid) as pod_uid,
                coalesce(pod.node_name, named.node_name, seen.node_name) as at_node
            from {rows} as seen
            asof left join pod as named
                on named.namespace = seen.namespace and named.pod_name = seen.pod_name
                and named.begins_at <= seen.{moment}
            left join pod on pod.uid = seen.uid
        ),
        placed as (
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
        )
    """
