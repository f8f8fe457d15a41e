-- What callers waited for, beside what it cost: the inferences of a period, by the hour in which they ended
-- for features, models and the whole.
{{ config(materialized='view') }}
with timed as (
    select
        *,
        case period_kind
            when 'hour' then 3600
            when 'day' then 86400
            when 'week' then 604800
            else epoch(period_start + interval 1 month)::bigint - epoch(period_start)::bigint
        end as seconds
    from {{ ref('int_unit_totals') }}
    where inferences > 0 and entity <> 'deployment'
)

select
    period_kind,
    period_start,
    billing_currency,
    entity,
    value,
    inferences,
    (inferences / seconds::double)::decimal(18, 6) as inferences_per_second,
    (1 - successful_inferences / inferences::double)::decimal(9, 6) as error_rate,
    attempts,
    (failed_attempts / nullif(attempts, 0)::double)::decimal(9, 6) as attempt_error_rate,
    duration_p50_ms,
    duration_p95_ms,
    duration_p99_ms,
    first_token_p50_ms,
    first_token_p95_ms,
    first_token_p99_ms,
    if(first_token_p50_ms is null, 'no span says when its first token came', null) as first_token_reason,
    judged_inferences,
    good_inferences,
    attempt_cost as direct_cost,
    {{ unit_cost('attempt_cost', 'inferences') }} as direct_cost_per_inference
from timed
