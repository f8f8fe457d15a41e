-- What a pool made for what it cost, by the hour, and beside it what callers waited for.
with costs as (
    select hour, charge_date, pool, billing_currency, paid_seconds, active_share, effective_cost
    from {{ ref('gpu_utilization_hourly') }}
),

work as (
    select *, input_tokens + all_output_tokens as tokens
    from {{ ref('int_fleet_days') }}
    where kind = 'work'
),

made as (
    select
        costs.*,
        if(work.hour is null, 0, work.requests) as requests,
        if(work.hour is null, 0, work.input_tokens) as input_tokens,
        if(work.hour is null, 0, work.all_output_tokens) as output_tokens,
        if(work.hour is null, 0, work.tokens) as tokens,
        work.first_token_p50_us,
        work.first_token_p95_us,
        if(work.queues_known > 0, work.queued_ms, null) as queued_ms
    from costs
    left join work
        on costs.hour = work.hour and costs.pool = work.pool and costs.billing_currency = work.billing_currency
)

select
    charge_date,
    hour,
    pool,
    billing_currency,
    requests::bigint as requests,
    input_tokens::bigint as input_tokens,
    output_tokens::bigint as output_tokens,
    (tokens / 3600)::decimal(18, 6) as tokens_per_second,
    active_share,
    effective_cost,
    -- Tokens a second for each unit of the currency that an hour costs.
    (tokens / 3600 / nullif(effective_cost::double, 0))::decimal(18, 6) as tokens_per_second_per_hourly_cost,
    (first_token_p50_us / 1000)::decimal(18, 3) as first_token_p50_ms,
    (first_token_p95_us / 1000)::decimal(18, 3) as first_token_p95_ms,
    case
        when requests = 0 then 'no request'
        when first_token_p50_us is null then 'no span says when its first token came'
    end as first_token_reason,
    queued_ms::bigint as queued_ms
from made
