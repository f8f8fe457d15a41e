-- The ids (of inferences, conversations and workflow runs) that came on several days of a month, or of the week in
-- which it begins, by their hashes, which take less memory: what shares one by chance is on one day, and its
-- readers look at all attempts of an id.
-- depends_on: {{ ref('int_period_inputs') }}
{{ config(materialized='monthly_parquet', meta={'day_hash': 'attempts_hash'}) }}
{%- for id in ['inference_id', 'conversation_id', 'workflow_run_id'] %}
{{ 'union all' if not loop.first }}
select
    '{{ id }}' as kind,
    hash({{ id }}) as id
from {{ ref('attempt_costs') }}
where is_ended and {{ id }} is not null and {{ unit_is_of('week', 'charge_date') }}
group by hash({{ id }})
having min(charge_date) <> max(charge_date)
{%- endfor %}
