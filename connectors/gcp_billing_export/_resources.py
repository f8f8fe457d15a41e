"""Where a charge ran: its tags, its machine and its place in a cluster.

Tags are one flat object. What users can set keeps its key (`labels`; GKE's `k8s-namespace` and
`k8s-label/…` too), else where a key comes from stands before it: `project/<key>` for labels of the
project, `tag/<namespace>/<key>` for resource tags, and Google's own system labels are already
`compute.googleapis.com/…`. User labels have neither `/` nor `.`, so that nothing collides; of a key
that comes twice the first is used.
"""

from collections.abc import Mapping

from connectors._sql import quoted
from connectors.gcp_billing_export._ai_skus import TOKEN_METERS
from connectors.gcp_billing_export._columns import number
from connectors.gcp_billing_export._services import GPUS, SERVICES


def lookup(table: Mapping[str, object]) -> str:
    """Return a map literal: a join would not keep the order of rows."""
    entries = (f"{quoted(key)}: {_literal(value)}" for key, value in table.items())
    return f"map {{{', '.join(entries)}}}"


def _literal(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_literal(item) for item in value)}]"
    return quoted(value) if isinstance(value, str) else str(value)


def system_label(name: str) -> str:
    return f"""list_filter(system_labels,
            lambda label: label.key = 'compute.googleapis.com/{name}')[1].value"""


def _entries(column: str, key: str) -> str:
    return f"""coalesce(list_transform({column}, lambda item: {{
            'key': {key}, 'value': coalesce(item.value, '')
        }}), [])"""


_ALL_TAGS = f"""list_filter(list_concat(
            {_entries("labels", "item.key")},
            {_entries("project_labels", "'project/' || item.key")},
            {_entries("tags", "'tag/' || concat_ws('/', item.namespace, item.key)")},
            {_entries("system_labels", "item.key")}
        ), lambda entry: entry.key <> '')"""
TAGS = """
        case
            when len(all_tags) = 0 then null
            when list_unique(list_transform(all_tags, lambda entry: entry.key)) = len(all_tags)
                then to_json(map_from_entries(all_tags))
            else to_json(map_from_entries(list_filter(
                all_tags,
                lambda entry, place: list_position(
                    list_transform(all_tags, lambda other: other.key), entry.key
                ) = place
            )))
        end
"""
# How long the machine ran, told by what it ran with: seconds of cores and GPUs, bytes of memory.
_MACHINES = f"""
            case
                when usage_unit = 'seconds' and sku_description like '%GPU%'
                    then machine_gpus
                when usage_unit = 'seconds' and regexp_matches(sku_description, '\\b[Cc]ore\\b')
                    then cast({system_label("cores")} as bigint)
                when usage_unit = 'byte-seconds'
                    then cast({system_label("memory")} as bigint) * 1048576
                when usage_unit = 'seconds' then 1
            end
"""
DESCRIBED = f"""
    select
        *,
        {_ALL_TAGS} as all_tags,
        {lookup(SERVICES)}[service_description] as service,
        tokens.type as token_type,
        {lookup(TOKEN_METERS)}[tokens.type] as token_meter,
        {system_label("machine_spec")} as machine_type,
        coalesce(
            cast(nullif(regexp_extract(machine_type, '-([0-9]+)g$', 1), '') as bigint),
            {lookup(GPUS)}[machine_type]
        ) as machine_gpus,
        category = 'Usage'
            and part in ('charge', 'used', 'covered', 'rest')
            and service_description = 'Compute Engine'
            and contains(resource_global_name, '/instances/')
            and regexp_matches(sku_description, '(?i)\\b(core|ram|gpu|instance)\\b')
            and not regexp_matches(sku_description, '(?i)storage|licens|egress|transfer|static ip')
            as is_machine,
        {_MACHINES} as machine_units,
        coalesce({number("currency_conversion_rate")}, 0) as fx_rate,
        list_filter(labels, lambda label: label.key = 'k8s-namespace')[1].value as namespace,
        list_filter(labels, lambda label: label.key = 'goog-k8s-cluster-name')[1].value as cluster
    from priced
"""
