{# What a token weighs when requests share the time of a replica, where no configuration says it. What
   was cached is not computed again; an output token is a step of its own. #}
{% macro token_weight(token_type) -%}
    {{ return({'cache_read': 0, 'output': 2, 'audio_output': 2}.get(token_type, 1)) }}
{%- endmacro %}

{# The CTE `label_weights`: the configured weights of the models that run on own capacity, by what the
   query `labels` calls them. #}
{% macro label_weights(labels) -%}
label_weights as materialized (
    select
        labels.label
        {%- for type in token_types() %},
        arg_min(weights.weight, weights.priority) filter (where weights.token_type = '{{ type }}') as {{ type }}
        {%- endfor %}
    from ({{ labels }}) as labels
    left join {{ ref('stg_lake__model_aliases') }} as aliases
        on labels.label = aliases.name and {{ is_valid_on('aliases', charge_date()) }}
    inner join {{ ref('stg_lake__token_weights') }} as weights
        on coalesce(aliases.model, labels.label) glob weights.model and {{ is_valid_on('weights', charge_date()) }}
    group by labels.label
    -- True of each: has the planner count on few, and look them up rather than the requests.
    having count(*) > 0
)
{%- endmacro %}

{# The weighted tokens of an attempt beside its `label_weights`; NULL where it carries no counts. An
   engine that does not count cached tokens is compared with attempts whose cached tokens weigh like
   others: `cached_as`. #}
{% macro weighted_tokens(cached_as='cache_read') -%}
    {%- set columns = [] -%}
    {%- set terms = [] -%}
    {%- for type in token_types() -%}
        {%- set weighed_as = cached_as if type == 'cache_read' else type -%}
        {%- do columns.append(type ~ '_tokens') -%}
        {%- do terms.append(
            'coalesce(' ~ type ~ '_tokens, 0) * coalesce(label_weights.' ~ weighed_as ~ ', '
            ~ token_weight(weighed_as) ~ ')'
        ) -%}
    {%- endfor -%}
    if(coalesce({{ columns | join(', ') }}) is null, null, {{ terms | join(' + ') }})
{%- endmacro %}

{# Rates are whole numbers of billionths. #}
{% macro rate_unit() -%} 1000000000 {%- endmacro %}

{# φ: weighted tokens a millisecond, at least a token in all, rounded; divided in two steps, so that no
   product overflows. greatest() passes over what is not known. #}
{% macro token_rate(tokens, duration) -%}
    {%- set weighed = 'greatest(' ~ tokens ~ ', 1)' -%}
    if({{ tokens }} is null, null, greatest(
        1,
        {{ weighed }} // {{ duration }} * {{ rate_unit() }}
        + ({{ weighed }} % {{ duration }} * {{ rate_unit() }} + {{ duration }} // 2) // {{ duration }}
    ))
{%- endmacro %}
