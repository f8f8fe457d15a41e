{# CTEs that end with `endpoint_labels`: capacity that serves a model and is no machine of ours,
   such as provisioned throughput, and the names that requests have for it. Needs `charge_groups`
   and `states` before it. #}
{% macro provisioned_endpoints() -%}
endpoints as materialized (
    select distinct
        resource_id,
        model,
        service_provider_name,
        concat_ws(' ', 'model', service_provider_name, model) as endpoint
    from charge_groups
    where
        model is not null
        and resource_id is not null
        and gpu_count is null
        and resource_id not in (select states.resource_id from states)
),

-- Where the model is billed by tokens too, only requests that say so ran on what is provisioned.
endpoint_labels as materialized (
    select distinct
        names.label,
        endpoints.endpoint,
        endpoints.service_provider_name,
        endpoints.model in (
            select lines.model
            from {{ ref('int_charge_groups') }} as lines
            where lines.treatment = 'tokens' and lines.charge_date = {{ charge_date() }} and lines.model is not null
        ) as is_billed_by_tokens
    from endpoints
    inner join (
        select endpoints.model as label, endpoints.model from endpoints
        union
        select aliases.name, aliases.model
        from {{ ref('stg_lake__model_aliases') }} as aliases
        where
            coalesce(aliases.valid_from <= {{ charge_date() }}, true)
            and coalesce(aliases.valid_to > {{ charge_date() }}, true)
    ) as names on endpoints.model = names.model
)
{%- endmacro %}

{# The CTE `endpoint_attempts`: which endpoint served the requests that name no pod, by what they
   name. Needs `delivered_requests` and `endpoint_labels` before it. #}
{% macro provisioned_attempts() -%}
endpoint_attempts as materialized (
    select
        asked.label,
        asked.provider_name,
        asked.service_tier,
        min(endpoint_labels.endpoint) as endpoint
    from (
        select distinct
            label,
            provider_name,
            service_tier
        from delivered_requests
        where pod_uid is null
    ) as asked
    left join {{ ref('provider_names') }} as providers on asked.provider_name = providers.provider_name
    inner join endpoint_labels
        on
            asked.label = endpoint_labels.label
            and coalesce(endpoint_labels.service_provider_name = providers.service_provider_name, true)
            and (coalesce(asked.service_tier = 'provisioned', false) or not endpoint_labels.is_billed_by_tokens)
    group by asked.label, asked.provider_name, asked.service_tier
)
{%- endmacro %}
