{# The columns of a charge that shipped rules of cost drivers read, as the seed names them. #}
{% macro driver_attributes() -%}
    {{ return([
        'service_category', 'service_subcategory', 'service_name', 'usage_type', 'line_item_type', 'charge_category',
        'charge_kind', 'token_type', 'commitment_discount_status', 'billed_model'
    ]) }}
{%- endmacro %}

{# Whether a shipped rule's globs, where it has any, match. #}
{% macro driver_rule_matches(rules, kinds) -%}
    {%- for attribute in driver_attributes() %}
    {{ 'and ' if not loop.first -}}
    (
        {{ rules }}.{{ attribute }} is null
        or coalesce(lower({{ kinds }}.{{ attribute }}) glob {{ rules }}.{{ attribute }}, false)
    )
    {%- endfor %}
{%- endmacro %}

{# Whether a rule of the configuration matches whose the work is. #}
{% macro path_rule_matches(rules, work) -%}
    {%- for entity in path_entities() %}
    ({{ rules }}.when_{{ entity }} is null or {{ glob_matches(work ~ '.' ~ entity, rules ~ '.when_' ~ entity) }}) and
    {%- endfor %}
    {{ is_valid_on(rules, work ~ '.charge_date') }}
{%- endmacro %}

{# What tells on which path work runs. #}
{% macro path_entities() -%}
    {{ return(['feature', 'workflow', 'team', 'model', 'environment']) }}
{%- endmacro %}

{# A quantity as gigabytes (10^9 bytes); NULL for what is not a measure of data. #}
{% macro driver_gigabytes(quantity, unit) -%}
    case lower({{ unit }})
        when 'bytes' then {{ quantity }} * 0.000000001
        when 'mb' then {{ quantity }} * 0.001
        when 'gb' then {{ quantity }}
        when 'gigabyte' then {{ quantity }}
        when 'gigabytes' then {{ quantity }}
        when 'tb' then {{ quantity }} * 1000
        when 'mib' then {{ quantity }} * 0.001048576
        when 'gib' then {{ quantity }} * 1.073741824
        when 'gibibyte' then {{ quantity }} * 1.073741824
        when 'tib' then {{ quantity }} * 1099.511627776
    end
{%- endmacro %}

{# cost ÷ quantity, both decimal(38, 12), to 12 decimals in whole numbers; NULL without a quantity. #}
{% macro driver_price(cost, quantity) -%}
    {%- set picos -%} cast(replace(cast({{ cost }} as varchar), '.', '') as hugeint) {%- endset -%}
    {%- set quantities -%} cast(replace(cast({{ quantity }} as varchar), '.', '') as hugeint) {%- endset -%}
    case when {{ quantity }} > 0 then cast(
        cast(
            sign({{ cost }}) * ((2 * abs({{ picos }}) * 1000000000000 + {{ quantities }}) // (2 * {{ quantities }}))
        as decimal(25, 0)) * 0.000000000001::decimal(13, 12)
    as decimal(38, 12)) end
{%- endmacro %}
