{# CTEs that end with `attempts_of_day`: the attempts that touch the day, each once: the same span can
   be delivered twice. A caller's span whose server span came in another file is not an attempt of its
   own: the server's is, with what only the caller knew.
   What is rare is found in few columns, left out of the one scan of all, and added to it. Nothing but
   the rare is materialized: whoever reads the attempts scans only the columns it needs. #}
{% macro attempts_of_day(condition='true') -%}
    {%- set inherited = ['customer_id', 'feature', 'workflow', 'team', 'environment', 'conversation_id'] -%}
    {%- set midnight = "cast(" ~ charge_date() ~ " as timestamp)" -%}
    {#- Of one span in several deliveries, that whose operation is known, then by where it came from. -#}
    {%- set order = 'attempt_id, inference_id = attempt_id, source, x_delivery_id, x_file, x_row' -%}
delivered as not materialized (
    select *
    from {{ ref('stg_lake__attempts') }}
    where ended_at >= {{ midnight }} and started_at < {{ midnight }} + interval 1 day
),

repeated as materialized (
    select attempt_id
    from delivered
    where
        {{ condition }}
        and hash(attempt_id) in (
            select hash(attempt_id)
            from delivered
            where {{ condition }}
            group by hash(attempt_id)
            having count(*) > 1
        )
    group by attempt_id
    having count(*) > 1
),

{{ caller_ids() }},

callers as materialized (
    select distinct on (attempt_id) attempt_id, inference_id, {{ inherited | join(', ') }}
    from delivered
    where attempt_id in (select caller_ids.attempt_id from caller_ids)
    order by {{ order }}
),

rare as (
    select *
    from delivered
    where
        {{ condition }}
        and absent_parent_span_id is not null
        and attempt_id not in (select repeated.attempt_id from repeated)
    union all
    (
        select distinct on (attempt_id) *
        from delivered
        where {{ condition }} and attempt_id in (select repeated.attempt_id from repeated)
        order by {{ order }}
    )
),

rare_attempts as materialized (
    select rare.* replace (
        {% for column in inherited -%}
        coalesce(rare.{{ column }}, callers.{{ column }}) as {{ column }},
        {% endfor -%}
        case when rare.inference_id = rare.attempt_id
            then coalesce(nullif(callers.inference_id, callers.attempt_id), rare.inference_id)
            else rare.inference_id
        end as inference_id
    )
    from rare
    left join callers on rare.trace_id || ':' || rare.absent_parent_span_id = callers.attempt_id
    where rare.attempt_id not in (select caller_ids.attempt_id from caller_ids)
),

left_out as materialized (
    select attempt_id from repeated
    union all
    select attempt_id from caller_ids
),

attempts_of_day as not materialized (
    select *
    from delivered
    where
        {{ condition }}
        and absent_parent_span_id is null
        and attempt_id not in (select left_out.attempt_id from left_out)
    union all
    select *
    from rare_attempts
)
{%- endmacro %}

{# The CTE `caller_ids`: spans of callers whose server's span came in another file. #}
{% macro caller_ids() -%}
    {%- set midnight = "cast(" ~ charge_date() ~ " as timestamp)" -%}
caller_ids as materialized (
    select distinct trace_id || ':' || absent_parent_span_id as attempt_id
    from {{ ref('stg_lake__attempts') }}
    where
        absent_parent_span_id is not null
        -- Said so that the times of rows without one are not read.
        and ended_at + interval 1 day >= {{ midnight }}
        and started_at - interval 1 day < {{ midnight }}
)
{%- endmacro %}
