{# Milliseconds of a state in a machine's or pod's life, each once however many GPUs were in it: needs
   the column added_ms of `states_in_order`. #}
{% macro state_ms(state, condition='true') -%}
    coalesce(sum(added_ms) filter (where state = '{{ state }}' and {{ condition }}), 0)::bigint
{%- endmacro %}

{# Milliseconds of each row's interval that no earlier row of its group has: intervals may overlap. #}
{% macro added_ms(group) -%}
    greatest(
        0,
        epoch_ms(ended_at) - greatest(
            epoch_ms(started_at),
            coalesce(max(epoch_ms(ended_at)) over (
                partition by {{ group }}
                order by started_at, ended_at, pod_uid, gpu_index
                rows between unbounded preceding and 1 preceding
            ), 0)
        )
    )
{%- endmacro %}
