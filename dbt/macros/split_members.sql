{# CTEs that end with `split_members`: how a cloud splits what a resource costs among its workloads,
   where no telemetry knows what ran on it. Weights, never money: that is on the resource's own
   charges. What the split calls unused nobody asked for. Members are numbered from −9 downwards.
   Needs `charge_groups`, `states`, `endpoints` and `attempts` before it. #}
{% macro split_members() -%}
split_parts as (
    select
        charge_groups.group_key,
        splits.namespace,
        splits.workload,
        sum({{ nano('splits.split_weight') }})::bigint as weight,
        sum(coalesce({{ nano('splits.unused_weight') }}, 0))::bigint as unused
    from {{ ref('stg_lake__split_costs') }} as splits
    inner join charge_groups
        on
            splits.resource_id = charge_groups.resource_id
            and splits.charge_period_start >= charge_groups.charge_period_start
            and splits.charge_period_start < charge_groups.charge_period_end
    where
        splits.split_weight >= 0
        and splits.resource_id not in (select states.resource_id from states)
        and splits.resource_id not in (select endpoints.resource_id from endpoints)
        and splits.resource_id not in (select attempts.replica from attempts)
    group by charge_groups.group_key, splits.namespace, splits.workload
    having sum(splits.split_weight) > 0
),

workloads as materialized (
    select
        *,
        (-8 - row_number() over (order by namespace, workload))::int as member
    from (select distinct namespace, workload from split_parts) as names
),

split_members as materialized (
    select
        split_parts.group_key,
        workloads.member,
        split_parts.weight
    from split_parts
    inner join workloads
        on
            split_parts.namespace is not distinct from workloads.namespace
            and split_parts.workload is not distinct from workloads.workload
    union all
    select
        group_key,
        -2,
        sum(unused)::bigint
    from split_parts
    group by group_key
)
{%- endmacro %}
