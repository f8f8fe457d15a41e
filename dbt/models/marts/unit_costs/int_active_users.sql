-- Active users of each value, as the driver stream `active_users` states them. Users of several days are
-- not the sum of each day's: a number counts for the day, week or month that it was measured in, as a whole.
{{ config(materialized='table', schema='intermediate', contract={'enforced': false}) }}
{%- set kinds = {'day': 'interval 1 day', 'week': 'interval 7 day', 'month': 'interval 1 month'} %}
with measured as (
    select
        *,
        case
            {%- for kind, length in kinds.items() %}
            when measured_from = date_trunc('{{ kind }}', measured_from) and measured_to = measured_from + {{ length }}
                then '{{ kind }}'
            {%- endfor %}
        end as period_kind
    from {{ ref('stg_lake__allocation_drivers') }}
    where driver = 'active_users'
)

select
    period_kind,
    measured_from as period_start,
    case
        {%- for entity in entities() %}
        when {{ entity }} is not null then '{{ entity }}'
        {%- endfor %}
        else 'all'
    end as entity,
    coalesce({{ entities() | join(', ') }}, '(all)') as value,
    sum(value)::bigint as active_users
from measured
where
    period_kind is not null
    -- Of whom a number speaks that names several entities, or something else, cannot be said here.
    and filter is null
    and {% for entity in entities() -%}
    ({{ entity }} is not null)::int{{ ' + ' if not loop.last }}
    {%- endfor %} <= 1
group by all
