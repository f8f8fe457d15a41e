{# CTEs that end with `requests`: those that ran on the machines of `charge_groups`, each once, with the
   server's interval: what a request waited in its queue is left out. Who asked is not looked for, as
   attempts_of_day() does. In `delivered_requests` some are told more than once. Needs `charge_groups`,
   `states` and `endpoint_labels` before it. #}
{% macro machine_requests() -%}
    {%- set midnight = "cast(" ~ charge_date() ~ " as timestamp)" -%}
    {%- set request -%}
        attempt_id,
        pod_uid,
        coalesce(response_model, request_model) as label,
        provider_name,
        service_tier,
        epoch_ms(started_at) + coalesce(queued_ms, 0) as starts,
        epoch_ms(ended_at) as ends,
        {{ token_types() | join('_tokens, ') }}_tokens
    {%- endset -%}
served as materialized (
    select pod_uid as name from states
    union all
    select resource_id from charge_groups
    union all
    select label from endpoint_labels
),

{{ caller_ids() }},

delivered as not materialized (
    select *
    from {{ ref('stg_lake__attempts') }}
    where
        ended_at >= {{ midnight }}
        and started_at < {{ midnight }} + interval 1 day
        and status not in ('rejected', 'cached')
        and coalesce(pod_uid, response_model, request_model) in (select served.name from served)
        and attempt_id not in (select caller_ids.attempt_id from caller_ids)
),

delivered_requests as materialized (
    select {{ request }}
    from delivered
),

repeated as materialized (
    select attempt_id
    from delivered_requests
    where hash(attempt_id) in (
        select hash(attempt_id)
        from delivered_requests
        group by hash(attempt_id)
        having count(*) > 1
    )
    group by attempt_id
    having count(*) > 1
),

requests as not materialized (
    select *
    from delivered_requests
    where attempt_id not in (select repeated.attempt_id from repeated)
    union all
    (
        select distinct on (attempt_id) {{ request }}
        from delivered
        where attempt_id in (select repeated.attempt_id from repeated)
        order by attempt_id, inference_id = attempt_id, source, x_delivery_id, x_file, x_row
    )
)
{%- endmacro %}
