-- A unit that is of some inferences only has their part of each component, by direct cost of the same entities.
{{ config(materialized='view') }}
{%- set components = components() | reject('equalto', 'unmatched') | list %}
{%- set loads = components[1:] %}
with totals as (
    select *
    from {{ ref('int_unit_totals') }}
    where period_kind <> 'hour' and entity <> 'deployment'
),

-- Each total once for each unit: what is asked of one unit reads no more than one of them.
units as (
    select
        totals.period_kind,
        totals.period_start::date as period_start,
        totals.entity,
        totals.value,
        totals.billing_currency,
        kinds.unit,
        case kinds.unit
            {%- for unit, count, part, size, missing in unit_units() %}
            when '{{ unit }}' then ({{ count }})::bigint
            {%- endfor %}
        end as units,
        kinds.size,
        {% for component in components + ['tax_and_credit'] -%}
        case kinds.part
            {%- for part in unit_parts() %}
            when '{{ part }}' then {{ unit_part(component, part) }}
            {%- endfor %}
            else {{ unit_part(component, none) }}
        end as {{ component }}_cost,
        {% endfor -%}
        totals.unmatched_cost,
        totals.left_out_cost,
        totals.effective_cost,
        totals.coverage,
        totals.lower_cost / nullif(totals.upper_cost, 0) as lower_ratio,
        totals.upper_cost / nullif(totals.seen_cost, 0) as upper_ratio,
        kinds.missing
    from totals
    cross join (
        values
        {%- for unit, count, part, size, missing in unit_units() %}
        ('{{ unit }}', '{{ part or '' }}', {{ size }}, '{{ missing }}'){{ ',' if not loop.last }}
        {%- endfor %}
    ) as kinds (unit, part, size, missing)
    left join {{ ref('int_active_users') }} as users
        on
            totals.period_kind = users.period_kind and totals.period_start = users.period_start
            and totals.entity = users.entity and totals.value = users.value
),

loaded as (
    select
        *,
        coalesce(direct_cost, 0) + {{ loads | join('_cost + ') }}_cost as loaded_cost
    from units
),

divided as (
    select
        *,
        {{ unit_cost('loaded_cost * size', 'units') }} as loaded_cost_per_unit,
        {{ unit_cost('(loaded_cost - coalesce(tax_and_credit_cost, 0)) * size', 'units') }}
            as loaded_cost_per_unit_before_tax
        {%- for component in components %},
        {{ unit_cost(component ~ '_cost * size', 'units') }} as {{ component }}_cost_per_unit
        {%- endfor %}
    from loaded
),

-- What the rounding of the components leaves goes to the greatest load, so that they add up.
rounded as (
    select
        *,
        loaded_cost_per_unit - coalesce(direct_cost_per_unit, 0)
        - ({{ loads | join('_cost_per_unit + ') }}_cost_per_unit) as rounding,
        case greatest({{ loads | join('_cost_per_unit, ') }}_cost_per_unit)
            {%- for component in loads %}
            when {{ component }}_cost_per_unit then '{{ component }}'
            {%- endfor %}
        end as greatest_load
    from divided
)

select
    period_kind,
    period_start,
    billing_currency,
    entity,
    value,
    unit,
    units,
    {% for component in components -%}
    {{ component }}_cost,
    {% endfor -%}
    loaded_cost::decimal(38, 12) as loaded_cost,
    unmatched_cost,
    left_out_cost,
    effective_cost,
    direct_cost_per_unit,
    {% for component in loads -%}
    ({{ component }}_cost_per_unit + if(greatest_load = '{{ component }}', rounding, 0))::decimal(38, 12)
        as {{ component }}_cost_per_unit,
    {% endfor -%}
    loaded_cost_per_unit,
    loaded_cost_per_unit_before_tax,
    {% for basis in ['direct', 'loaded'] -%}
    {% for bound in ['lower', 'upper'] -%}
    ({{ basis }}_cost_per_unit * {{ bound }}_ratio)::decimal(38, 12) as {{ bound }}_{{ basis }}_cost_per_unit,
    {% endfor -%}
    {% endfor -%}
    coverage,
    case
        when loaded_cost_per_unit is not null then null
        when coalesce(units, 0) = 0 then missing
        else 'nothing bills its inferences'
    end as reason
from rounded
