-- One row a day, charge line (what a group's charges are), component of the ledger, pool and path: what
-- a day's effective cost was for. Machines are told apart by what they did.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(
    materialized='daily_parquet', schema='intermediate', contract={'enforced': false},
    meta={'is_of_days': true, 'day_hash': 'drivers_hash'}
) }}
with attributed as (
    select *
    from {{ ref('int_costs_attributed') }}
    where {{ is_of_days('charge_date') }}
),

work as (
    select distinct charge_date, {{ path_entities() | join(', ') }}
    from attributed
),

paths as (
    select
        work.charge_date,
        {% for entity in path_entities() %}work.{{ entity }}, {% endfor %}
        arg_min(rules.path, rules.priority) as path
    from work
    inner join {{ ref('stg_lake__path_rules') }} as rules on {{ path_rule_matches('rules', 'work') }}
    group by all
),

-- Corrections of what requests caused.
of_requests as (
    select distinct spread.charge_date, spread.charge_group_id
    from {{ ref('int_charges_spread_daily') }} as spread
    inner join attributed
        on spread.charge_date = attributed.charge_date and spread.mirrored_group_id = attributed.charge_group_id
    where attributed.allocated_method_id in ('tokens', 'busy-time')
),

parts as (
    select
        attributed.charge_date,
        attributed.charge_group_id,
        attributed.component,
        coalesce(attributed.pool, '(none)') as pool,
        paths.path,
        attributed.component = 'direct' and (
            attributed.allocated_method_id in ('tokens', 'busy-time')
            or (attributed.allocated_method_id = 'mirror' and of_requests.charge_group_id is not null)
        ) as is_of_requests,
        sum(attributed.effective_cost)::decimal(38, 12) as amount
    from attributed
    left join paths
        on
            attributed.charge_date = paths.charge_date
            {%- for entity in path_entities() %}
            and attributed.{{ entity }} = paths.{{ entity }}
            {%- endfor %}
    left join of_requests
        on attributed.charge_date = of_requests.charge_date and attributed.charge_group_id = of_requests.charge_group_id
    group by all
    having amount <> 0
),

-- A group's cost is that of its charges, in their proportions; most groups have one kind of charge.
members as (
    select
        parts.*,
        lines.* exclude (
            charge_group_id, charge_date, effective_cost, list_cost, consumed_quantity, billed_milliseconds,
            gpu_milliseconds, tags, consumed_unit, product
        ),
        {{ nano('lines.effective_cost') }} as weight,
        sum({{ nano('lines.effective_cost') }}) over (
            partition by
                parts.charge_date, parts.charge_group_id, parts.component, parts.pool, parts.path, parts.is_of_requests
        ) as total_weight
    from parts
    inner join {{ ref('int_charge_lines') }} as lines on parts.charge_group_id = lines.charge_group_id
),

shares as (
    {{ exact_shares(
        'members', 'charge_date, charge_group_id, component, pool, path, is_of_requests', 'charge_line_id'
    ) }}
)

select
    charge_date,
    charge_group_id,
    charge_line_id,
    source,
    billing_period,
    billing_currency,
    component,
    pool,
    case
        when not by_state then cost_driver
        when component = 'idle' then 'idle_capacity'
        when component = 'scaling' then 'start_up'
        when is_of_requests then cost_driver
        else 'instance_uptime'
    end as cost_driver,
    case
        when path is not null then path
        when cost_driver = 'training' then 'cold'
        when cost_driver = 'background_jobs' or service_tier in ('batch', 'flex') then 'warm'
        when is_of_requests then 'hot'
        else '(none)'
    end as path,
    layer,
    is_machine,
    -- What a machine is, whatever it did.
    if(by_state, replace(cost_driver, 'inference_compute_', ''), '(none)') as machine,
    deployment_kind,
    purchase_kind,
    accelerator,
    region_id,
    if(is_machine, resource_id, null) as resource_id,
    -- Whether telemetry says anything of it.
    component in ('idle', 'scaling') or is_of_requests as is_seen,
    is_of_requests,
    share as effective_cost
from shares
where share <> 0
