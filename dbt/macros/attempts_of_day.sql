{# The attempts that touch the day, each once: the same span can be delivered twice.
   `model` is the one name under which bills and telemetry know it. #}
{% macro attempts_of_day(condition='true') -%}
    select
        attempts.*,
        coalesce(aliases.model, attempts.response_model, attempts.request_model) as model
    from (
        select *
        from {{ ref('stg_lake__attempts') }}
        where
            ended_at >= cast({{ charge_date() }} as timestamp)
            and started_at < cast({{ charge_date() }} as timestamp) + interval 1 day
            and {{ condition }}
        qualify row_number() over (partition by attempt_id order by source, x_file, x_row) = 1
    ) as attempts
    left join {{ ref('stg_lake__model_aliases') }} as aliases
        on
            coalesce(attempts.response_model, attempts.request_model) = aliases.name
            and coalesce(aliases.valid_from <= cast(attempts.ended_at as date), true)
            and coalesce(aliases.valid_to > cast(attempts.ended_at as date), true)
{%- endmacro %}
