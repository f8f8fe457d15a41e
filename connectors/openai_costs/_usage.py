"""OpenAI's usage endpoints as disjoint buckets of tokens."""

BUCKET_TIMES = """
        make_timestamp(cast(start_time as bigint) * 1000000) as bucket_start,
        make_timestamp(cast(end_time as bigint) * 1000000) as bucket_end,
        strftime(make_timestamp(cast(start_time as bigint) * 1000000), '%Y-%m') as billing_month
"""

TOKEN_USAGE_SQL = """
with counts as (
    select
        x_file, x_row, endpoint, project_id, api_key_id, model, batch, service_tier,
        {counts},
        {buckets}
    from usage
),

writes as (
    select
        *,
        coalesce(input_cache_write_12h_tokens, 0) as long_write,
        coalesce(input_cache_write_tokens - long_write, input_cache_write_30m_tokens, 0)
            as short_write
    from counts
),

counted as (
    select
        *,
        input_tokens - short_write - long_write as read_anew,
        coalesce(input_cached_tokens, read_anew - input_uncached_tokens, 0) as cached,
        coalesce(input_uncached_tokens, read_anew - cached) as uncached,
        least(coalesce(input_audio_tokens, 0), uncached) as audio_in,
        least(coalesce(output_audio_tokens, 0), output_tokens) as audio_out
    from writes
),

-- The requests stand on one row of each result, so that they can be summed.
buckets as (
    select
        *,
        unnest([
            {{token_type: 'uncached_input', quantity: uncached - audio_in}},
            {{token_type: 'cache_read', quantity: cached}},
            {{token_type: 'cache_write_5m', quantity: short_write}},
            {{token_type: 'cache_write_1h', quantity: long_write}},
            {{token_type: 'output', quantity: output_tokens - audio_out}},
            {{token_type: 'audio_input', quantity: audio_in}},
            {{token_type: 'audio_output', quantity: audio_out}}
        ]) as bucket,
        generate_subscripts([1, 2, 3, 4, 5, 6, 7], 1) as bucket_number
    from counted
)

select
    bucket_start as usage_period_start,
    bucket_end as usage_period_end,
    'OpenAI' as service_provider_name,
    case endpoint when 'completions' then 'chat' else endpoint end as operation_name,
    nullif(project_id, '') as sub_account_id,
    nullif(api_key_id, '') as api_key_id,
    nullif(model, '') as model,
    if(batch = 'true', 'batch', nullif(service_tier, '')) as service_tier,
    bucket.token_type as token_type,
    bucket.quantity as quantity,
    if(bucket_number = 1, num_model_requests, null) as requests,
    billing_month as x_billing_period,
    x_file,
    x_row
from buckets
where bucket_number = 1 or bucket.quantity <> 0
order by x_file, x_row, bucket_number
"""
