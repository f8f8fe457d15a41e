{# The attempts that touch the day, each once: the same span can be delivered twice.
   `model` is the one name under which bills and telemetry know it.
   A caller's span whose server span came in another file is not an attempt of its own: the server's
   is, with what only the caller knew. #}
{% macro attempts_of_day(condition='true') -%}
    {%- set inherited = ['customer_id', 'feature', 'workflow', 'team', 'environment', 'conversation_id'] -%}
    {%- set midnight = "cast(" ~ charge_date() ~ " as timestamp)" -%}
    select
        attempts.* exclude ({{ inherited | join(', ') }}, inference_id),
        {% for column in inherited -%}
        coalesce(attempts.{{ column }}, callers.{{ column }}) as {{ column }},
        {% endfor -%}
        case when attempts.inference_id = attempts.attempt_id
            then coalesce(nullif(callers.inference_id, callers.attempt_id), attempts.inference_id)
            else attempts.inference_id
        end as inference_id,
        coalesce(aliases.model, attempts.response_model, attempts.request_model) as model
    from (
        select *
        from {{ ref('stg_lake__attempts') }}
        where
            ended_at >= {{ midnight }}
            and started_at < {{ midnight }} + interval 1 day
            and {{ condition }}
            and (trace_id, span_id) not in (
                select (trace_id, absent_parent_span_id)
                from {{ ref('stg_lake__attempts') }}
                where
                    absent_parent_span_id is not null
                    and ended_at >= {{ midnight }} - interval 1 day
                    and started_at < {{ midnight }} + interval 1 day
            )
        qualify row_number() over (partition by attempt_id order by source, x_file, x_row) = 1
    ) as attempts
    left join (
        select distinct on (attempt_id) trace_id, span_id, attempt_id, inference_id, {{ inherited | join(', ') }}
        from {{ ref('stg_lake__attempts') }}
        where
            (trace_id, span_id) in (
                select (trace_id, absent_parent_span_id)
                from {{ ref('stg_lake__attempts') }}
                where
                    absent_parent_span_id is not null
                    and ended_at >= {{ midnight }}
                    and started_at < {{ midnight }} + interval 1 day
            )
            and ended_at >= {{ midnight }}
            and started_at < {{ midnight }} + interval 1 day
        order by attempt_id, source, x_file, x_row
    ) as callers
        on attempts.trace_id = callers.trace_id and attempts.absent_parent_span_id = callers.span_id
    left join {{ ref('stg_lake__model_aliases') }} as aliases
        on
            coalesce(attempts.response_model, attempts.request_model) = aliases.name
            and coalesce(aliases.valid_from <= cast(attempts.ended_at as date), true)
            and coalesce(aliases.valid_to > cast(attempts.ended_at as date), true)
{%- endmacro %}
