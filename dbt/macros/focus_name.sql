{# The FOCUS name of a column of the lake's charges: billed_cost → BilledCost. What FOCUS 1.2 does not
   know is a custom column there: x_usage_type → x_UsageType, host_provider_name → x_HostProviderName. #}
{% macro focus_name(column, is_custom=false) -%}
    {{- 'x_' if is_custom -}}
    {%- for word in column.split('_') -%}
        {{- '' if is_custom and loop.first and word == 'x' else word | capitalize -}}
    {%- endfor -%}
{%- endmacro %}
