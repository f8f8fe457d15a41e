-- One row a tuple of charge attributes and a day that the configuration says something of: the first
-- rule that matches; a pool, where that rule names none; and whose the charge is by the dimensions.
with matched as (
    select
        tuples.rule_tuple_id,
        tuples.charge_date,
        arg_min(rules, rules.priority) as rule
    from {{ ref('int_rule_tuples') }} as tuples
    inner join {{ ref('stg_lake__rules') }} as rules on {{ rule_matches('rules', 'tuples') }}
    group by tuples.rule_tuple_id, tuples.charge_date
),

pooled as (
    select
        tuples.rule_tuple_id,
        tuples.charge_date,
        arg_min(pools.pool, pools.priority) as pool
    from {{ ref('int_rule_tuples') }} as tuples
    inner join {{ ref('stg_lake__pools') }} as pools on pools.has_condition and {{ rule_matches('pools', 'tuples') }}
    group by tuples.rule_tuple_id, tuples.charge_date
)

select
    tuples.rule_tuple_id,
    tuples.charge_date,
    -- What is made of the rule, and nothing else: neither its place in the file nor its dates.
    {
        'rule_id': matched.rule.rule_id,
        'rule_version': matched.rule.rule_version,
        'rule_hash': matched.rule.rule_hash,
        'treatment': matched.rule.treatment,
        'driver': matched.rule.driver,
        'scope': matched.rule.scope,
        'pool': coalesce(matched.rule.pool, pooled.pool)
        {%- for entity in entities() %},
        'set_{{ entity }}': matched.rule.set_{{ entity }}
        {%- endfor %}
    } as rule,
    -- Of the dimensions, what the rule leaves open.
    case when dimensions.rule_tuple_id is not null then {
        {%- for entity in entities() %}
        '{{ entity }}': if(matched.rule.set_{{ entity }} is null, dimensions.known.{{ entity }}, null)
        {{- ',' if not loop.last }}
        {%- endfor %}
    } end as known,
    case when dimensions.rule_tuple_id is not null then nullif('{' || concat_ws(
        ', '
        {%- for entity in entities() %},
        case
            when matched.rule.set_{{ entity }} is null
                then '"{{ entity }}": ' || cast(to_json(dimensions.places.{{ entity }}) as varchar)
        end
        {%- endfor %}
    ) || '}', '{}') end as known_from
from {{ ref('int_rule_tuples') }} as tuples
{%- for relation in ['matched', 'pooled'] %}
left join {{ relation }}
    on tuples.rule_tuple_id = {{ relation }}.rule_tuple_id and tuples.charge_date = {{ relation }}.charge_date
{%- endfor %}
left join {{ ref('int_dimensions_matched') }} as dimensions
    on tuples.rule_tuple_id = dimensions.rule_tuple_id and tuples.charge_date = dimensions.charge_date
where
    matched.rule_tuple_id is not null
    or pooled.rule_tuple_id is not null
    or dimensions.rule_tuple_id is not null
