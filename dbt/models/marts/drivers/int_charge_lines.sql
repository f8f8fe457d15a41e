-- One row a charge group and kind of charge in it: what kind of cost it is (its cost driver), on what it
-- runs, and how it was bought. A rule of the configuration decides, else a shipped one, else it is `other`.
{{ config(schema='intermediate', contract={'enforced': false}) }}
{%- set attributes = driver_attributes() + ['service_tier', 'pricing_category', 'sku_id', 'sku_meter', 'resource_type',
    'consumed_unit'] %}
with lines as (
    select
        charge_group_id,
        {{ rule_tuple_id() }} as rule_tuple_id,
        hash(({{ attributes | join(', ') }})) as kind_id,
        region_id,
        commitment_discount_id,
        any_value(charge_date) as charge_date,
        any_value(source) as source,
        any_value(billing_period) as billing_period,
        any_value(billing_currency) as billing_currency,
        any_value(resource_id) as resource_id,
        any_value(tags) as tags,
        sum(effective_cost)::decimal(38, 12) as effective_cost,
        sum(list_cost)::decimal(38, 12) as list_cost,
        sum(consumed_quantity)::decimal(38, 12) as consumed_quantity,
        sum(billed_milliseconds)::bigint as billed_milliseconds,
        sum(billed_milliseconds * gpu_count)::bigint as gpu_milliseconds,
        max(gpu_count) as gpu_count
    from {{ ref('int_charges_grouped') }}
    group by all
),

-- Few: what rules look at, instead of every charge.
kinds as (
    select
        hash(({{ attributes | join(', ') }})) as kind_id,
        lower(concat_ws(' ', any_value(usage_type), any_value(sku_id), any_value(sku_meter), any_value(resource_type)))
            as machine,
        {% for attribute in attributes -%}
        any_value({{ attribute }}) as {{ attribute }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('int_charges') }}
    group by 1
),

shipped as (
    select
        kinds.kind_id,
        arg_min(rules.cost_driver, rules.priority) as cost_driver,
        arg_min(rules.deployment_kind, rules.priority) filter (where rules.deployment_kind is not null)
            as deployment_kind
    from kinds
    inner join {{ ref('cost_driver_rules') }} as rules on {{ driver_rule_matches('rules', 'kinds') }}
    group by kinds.kind_id
),

machines as (
    select
        kinds.kind_id,
        arg_min(names.accelerator, names.priority) as accelerator
    from kinds
    inner join {{ ref('accelerator_names') }} as names on kinds.machine glob names.name
    group by kinds.kind_id
),

configured as (
    select
        tuples.rule_tuple_id,
        tuples.charge_date,
        arg_min(rules.cost_driver, rules.priority) as cost_driver
    from {{ ref('int_rule_tuples') }} as tuples
    inner join {{ ref('stg_lake__driver_rules') }} as rules on {{ rule_matches('rules', 'tuples') }}
    group by tuples.rule_tuple_id, tuples.charge_date
),

driven as (
    select
        lines.*,
        kinds.* exclude (kind_id, machine),
        shipped.deployment_kind,
        machines.accelerator,
        configured.cost_driver is not null as is_configured,
        coalesce(configured.cost_driver, shipped.cost_driver, 'other') as named,
        case
            when named <> 'inference_compute_cpu' then named
            when accelerators.kind = 'tpu' then 'inference_compute_tpu'
            when accelerators.kind = 'gpu' or lines.gpu_count > 0 then 'inference_compute_gpu'
            else 'inference_compute_cpu'
        end as cost_driver
    from lines
    inner join kinds on lines.kind_id = kinds.kind_id
    left join configured
        on lines.rule_tuple_id = configured.rule_tuple_id and lines.charge_date = configured.charge_date
    left join shipped on lines.kind_id = shipped.kind_id
    left join machines on lines.kind_id = machines.kind_id
    left join {{ ref('accelerators') }} as accelerators on machines.accelerator = accelerators.accelerator
)

select
    driven.charge_group_id,
    {{ id_of(['driven.rule_tuple_id', 'driven.kind_id']) }} as charge_line_id,
    driven.charge_date,
    driven.source,
    driven.billing_period,
    driven.billing_currency,
    driven.service_name,
    driven.charge_category,
    driven.charge_kind,
    driven.cost_driver,
    if(driven.is_configured, 'configuration', 'shipped rules') as cost_driver_from,
    drivers.layer,
    drivers.by_state,
    drivers.is_machine,
    if(drivers.is_machine or drivers.layer = 'llm', coalesce(driven.deployment_kind, '(none)'), '(none)')
        as deployment_kind,
    case
        when driven.charge_category <> 'Usage' then '(none)'
        when driven.commitment_discount_status is not null then 'commitment'
        when not drivers.is_machine then '(none)'
        when driven.pricing_category = 'Dynamic' or lower(driven.usage_type) glob '*spot*' then 'spot'
        else 'on demand'
    end as purchase_kind,
    -- What spot and on-demand use of the same machine have in common.
    coalesce(nullif(regexp_extract(driven.usage_type, '(?:Spot|Box)Usage:(.*)$', 1), ''), driven.sku_id) as product,
    coalesce(driven.accelerator, '(none)') as accelerator,
    driven.service_tier,
    driven.region_id,
    driven.resource_id,
    driven.commitment_discount_id,
    driven.commitment_discount_status,
    driven.tags,
    driven.effective_cost,
    driven.list_cost,
    driven.consumed_unit,
    driven.consumed_quantity,
    driven.billed_milliseconds,
    driven.gpu_milliseconds
from driven
inner join {{ ref('cost_drivers') }} as drivers on driven.cost_driver = drivers.cost_driver
