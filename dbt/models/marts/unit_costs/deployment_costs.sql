-- What production ran on: the tokens of others (api), pods on machines whose time is billed (container), or
-- such machines themselves, where no pod is known (node).
{{ config(materialized='view') }}
select
    period_kind,
    period_start::date as period_start,
    billing_currency,
    value as deployment,
    inferences,
    successful_inferences,
    attempts,
    attempt_cost as direct_cost,
    capacity_cost,
    {{ unit_cost('attempt_cost', 'inferences') }} as direct_cost_per_inference,
    duration_p50_ms,
    duration_p95_ms,
    duration_p99_ms
from {{ ref('int_unit_totals') }}
where entity = 'deployment' and period_kind <> 'hour' and inferences > 0
