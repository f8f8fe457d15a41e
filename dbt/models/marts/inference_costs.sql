-- An inference is what the caller wanted: retries and fallbacks are attempts of one.
{{ config(materialized='view') }}
{%- set mixed = 'min(billing_currency) <> max(billing_currency)' %}
select
    inference_id,
    min(workflow_run_id) as workflow_run_id,
    min(started_at) as started_at,
    max(ended_at) as ended_at,
    cast(max(ended_at) as date) as charge_date,
    {% for entity in entities() -%}
    arg_max({{ entity }}, (ended_at, attempt_id)) as {{ entity }},
    {% endfor -%}
    bool_or(status in ('ok', 'cached')) as is_successful,
    count(distinct attempt_id) as attempts,
    count(distinct attempt_id) filter (where direct_cost is null) as unpriced_attempts,
    -- A fallback to another vendor can be billed in another currency: nothing is summed across them.
    if({{ mixed }}, null, min(billing_currency)) as billing_currency,
    if({{ mixed }}, null, sum(direct_cost))::decimal(38, 12) as direct_cost,
    if({{ mixed }}, null, sum(direct_cost) filter (where status not in ('ok', 'cached')))::decimal(38, 12)
        as failed_cost,
    if({{ mixed }}, 'its attempts are billed in several currencies', min(unpriced_reason)) as unpriced_reason
from {{ ref('attempt_costs') }}
group by inference_id
