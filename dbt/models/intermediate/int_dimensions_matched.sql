-- One row a tuple of charge attributes and a day of which a dimension knows an entity: the first
-- place that has an answer, and the name of that place.
with found as (
    select
        tuples.rule_tuple_id,
        tuples.charge_date,
        dimensions.*,
        case
            when dimensions.tag is not null then {{ tag_value('tuples.tags', 'dimensions.tag') }}
            {% for attribute in rule_attributes() -%}
            when dimensions.charge_column = '{{ attribute }}' then tuples.{{ attribute }}
            {% endfor -%}
            else dimensions.fallback
        end as found
    from {{ ref('int_rule_tuples') }} as tuples
    inner join {{ ref('stg_lake__dimensions') }} as dimensions
        on {{ is_valid_on('dimensions', 'tuples.charge_date') }}
),

answered as (
    select
        found.rule_tuple_id,
        found.charge_date,
        found.entity,
        found.position,
        found.name,
        nullif(case
            when found.mapping is not null then min(mappings.value)
            when found.owners_of is not null then min(owners.owner)
            else found.found
        end, '') as answer
    from found
    left join {{ ref('stg_lake__dimension_mappings') }} as mappings
        on
            found.mapping = mappings.mapping
            and found.found = mappings.key
            and {{ is_valid_on('mappings', 'found.charge_date') }}
    left join {{ ref('stg_lake__owners') }} as owners
        on
            found.owners_of = owners.entity
            and found.found = owners.entity_value
            and {{ is_valid_on('owners', 'found.charge_date') }}
    group by
        found.rule_tuple_id, found.charge_date, found.entity, found.position, found.name, found.mapping,
        found.owners_of, found.found
),

first_answers as (
    select
        rule_tuple_id,
        charge_date,
        entity,
        arg_min(answer, position) as answer,
        arg_min(name, position) as name
    from answered
    where answer is not null
    group by rule_tuple_id, charge_date, entity
)

select
    rule_tuple_id,
    charge_date,
    {
        {%- for entity in entities() %}
        '{{ entity }}': any_value(answer) filter (where entity = '{{ entity }}'){{ ',' if not loop.last }}
        {%- endfor %}
    } as known,
    {
        {%- for entity in entities() %}
        '{{ entity }}': any_value(name) filter (where entity = '{{ entity }}'){{ ',' if not loop.last }}
        {%- endfor %}
    } as places
from first_answers
group by rule_tuple_id, charge_date
