{# What a token weighs when requests share the time of a replica, in billionths. What was cached is
   not computed again; an output token is a step of its own. #}
{% macro token_weight(token_type) -%}
    {{ return({"cache_read": 0, "output": 2000000000, "audio_output": 2000000000}.get(token_type, 1000000000)) }}
{%- endmacro %}

{# The weighted tokens of an attempt in billionths; NULL where it carries no counts. An engine that
   does not count cached tokens is compared with attempts whose cached tokens weigh like others:
   `cached_as`. #}
{% macro weighted_tokens(cached_as='cache_read') -%}
    {%- set columns = [] -%}
    {%- set terms = [] -%}
    {%- for type in token_types() -%}
        {%- set weight = token_weight(cached_as if type == 'cache_read' else type) -%}
        {%- do columns.append(type ~ '_tokens') -%}
        {%- if weight -%}{%- do terms.append('coalesce(' ~ type ~ '_tokens, 0) * ' ~ weight) -%}{%- endif -%}
    {%- endfor -%}
    if(coalesce({{ columns | join(', ') }}) is null, null, {{ terms | join(' + ') }})
{%- endmacro %}

{# φ: billionths of a weighted token a millisecond, a whole number, at least a token in all. #}
{% macro token_rate(tokens) -%}
    greatest(1, (greatest({{ tokens }}, 1000000000) + (ends - starts) // 2) // (ends - starts))
{%- endmacro %}
