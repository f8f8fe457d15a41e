-- A run with retrieval embeds the question and generates the answer. What it read is not in telemetry.
{{ config(materialized='view') }}
select
    period_kind,
    period_start::date as period_start,
    billing_currency,
    entity,
    value,
    retrieval_runs,
    embedding_cost,
    generation_cost,
    (embedding_cost + generation_cost)::decimal(38, 12) as direct_cost,
    {{ unit_cost('embedding_cost', 'retrieval_runs') }} as embedding_cost_per_run,
    {{ unit_cost('generation_cost', 'retrieval_runs') }} as generation_cost_per_run,
    {{ unit_cost('(embedding_cost + generation_cost)', 'retrieval_runs') }} as direct_cost_per_run,
    null::bigint as documents_read,
    'spans of retrieval and reranking are no inferences and are not kept' as documents_read_reason
from {{ ref('int_unit_totals') }}
where retrieval_runs > 0 and period_kind <> 'hour' and entity <> 'deployment'
