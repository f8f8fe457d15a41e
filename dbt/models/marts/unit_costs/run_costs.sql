-- Spans rolled up by the run, and by the conversation, that they name.
{{ config(materialized='view') }}
{%- set mixed = 'min(billing_currency) <> max(billing_currency)' %}
{%- for kind, id in {'workflow run': 'workflow_run_id', 'conversation': 'conversation_id'}.items() %}
{{ 'union all' if not loop.first }}
select
    charge_date,
    '{{ kind }}' as run_kind,
    {{ id }} as run_id,
    {% for entity in entities() | reject('equalto', 'model') -%}
    arg_max({{ entity }}, (ended_at, attempt_id)) as {{ entity }},
    {% endfor -%}
    min(started_at) as started_at,
    max(ended_at) as ended_at,
    count(distinct inference_id) as inferences,
    count(*) as attempts,
    count(*) filter (where status not in ('ok', 'cached')) as failed_attempts,
    -- A fallback to another vendor can be billed in another currency: nothing is summed across them.
    if({{ mixed }}, null, min(billing_currency)) as billing_currency,
    if({{ mixed }}, null, sum(direct_cost))::decimal(38, 12) as direct_cost,
    if({{ mixed }}, null, sum(direct_cost) filter (where status not in ('ok', 'cached')))::decimal(38, 12)
        as failed_cost,
    case
        when {{ mixed }} then 'its attempts are billed in several currencies'
        when count(direct_cost) = 0 then min(unpriced_reason)
    end as unpriced_reason
from {{ ref('attempt_costs') }}
where {{ id }} is not null
group by charge_date, {{ id }}
{%- endfor %}
