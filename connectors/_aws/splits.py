"""How AWS splits a node's cost among its pods and tasks: weights beside the money, never money.

AWS adds two rows an hour to each pod or task, three where the node has accelerators. Their costs
are parts of the amortized cost of the node's own row. A row whose node AWS does not name has no
part in any; it is kept, with a weight of 0.
"""

from connectors._aws.costs import SPLIT, net
from connectors._aws.services import UNITS, as_map
from connectors._aws.tags import TAG_ENTRIES, TAGS

_KIND = """
    case
        when line_item_usage_type like '%vCPU-Hours' then 'cpu'
        when line_item_usage_type like '%GB-Hours' then 'memory'
        when line_item_usage_type like '%Accelerator-Hours' then 'accelerator'
    end
"""
_COST = net("split_line_item_split_cost", "split_line_item_net_split_cost")
_UNUSED = net("split_line_item_unused_cost", "split_line_item_net_unused_cost")

SPLIT_COSTS_SQL = f"""
    with tagged as not materialized (
        select *, {TAG_ENTRIES}, string_split(line_item_resource_id, '/') as place
        from raw
        where {SPLIT}
    )

    select
        cast(line_item_usage_start_date as timestamp) as charge_period_start,
        cast(line_item_usage_end_date as timestamp) as charge_period_end,
        split_line_item_parent_resource_id as resource_id,
        line_item_resource_id as split_resource_id,
        -- …:pod/<cluster>/<namespace>/<pod>/<uid> or …:task/<cluster>/<task>
        coalesce(resource_tags['aws_eks_cluster_name'], nullif(place[2], '')) as cluster,
        case when line_item_operation = 'EKSPod-EC2'
            then coalesce(resource_tags['aws_eks_namespace'], nullif(place[3], ''))
        end as namespace,
        coalesce(
            resource_tags['aws_eks_workload_name'], resource_tags['aws_eks_deployment'],
            resource_tags['aws_ecs_service_name']
        ) as workload,
        nullif(place[if(line_item_operation = 'EKSPod-EC2', 4, 3)], '') as pod,
        case when line_item_operation = 'EKSPod-EC2' then nullif(place[5], '') end as pod_uid,
        {TAGS} as tags,
        {_KIND} as split_kind,
        money(split_line_item_split_usage) as usage_quantity,
        money(split_line_item_reserved_usage) as reserved_quantity,
        money(split_line_item_actual_usage) as used_quantity,
        coalesce({as_map(UNITS, "varchar")}[pricing_unit], pricing_unit) as quantity_unit,
        {_COST} as split_weight,
        {_UNUSED} as unused_weight,
        strftime(cast(bill_billing_period_start_date as timestamp), '%Y-%m') as x_billing_period,
        x_file,
        x_row
    from tagged
    where split_kind is not null and split_resource_id is not null
"""

# A row a usage type, at the first line that has it.
UNKNOWN_SPLITS = f"""
    select
        cast(min(cast(line_item_usage_start_date as timestamp)) as date) as quarantined_day,
        'line_item_usage_type' as column_name,
        line_item_usage_type as value,
        'a line that splits the cost of another names no pod or task, or no vCPU, GB or '
            || 'accelerator hours: it has no weight (its cost is on the other line); lines: '
            || count(*) as reason,
        min((x_file, x_row))[1] as x_file,
        min((x_file, x_row))[2] as x_row
    from raw
    where {SPLIT} and ({_KIND} is null or line_item_resource_id is null)
    group by line_item_usage_type
"""
