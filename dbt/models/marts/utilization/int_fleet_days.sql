-- What marts of utilization and of models are made from: a day's states and gauges of machines by the hour,
-- the work of pools by the hour, requests by how many ran beside them, and requests by feature and model.
-- One row a kind and its own keys; what a kind does not have is NULL.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(
    materialized='daily_parquet', schema='intermediate', contract={'enforced': false},
    meta={'day_hash': 'fleet_hash'}
) }}
with {{ fleet_machines() }},

{{ fleet_gauges() }},

attempts as not materialized (
    select
        *,
        coalesce(response_model, request_model) as version,
        date_trunc('hour', least(ended_at, charge_date + interval '86399 seconds')) as hour,
        status in ('ok', 'error') as is_served,
        coalesce(uncached_input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_5m_tokens, 0)
        + coalesce(cache_write_1h_tokens, 0) + coalesce(audio_input_tokens, 0) as input_tokens,
        coalesce(output_tokens, 0) + coalesce(audio_output_tokens, 0) as all_output_tokens
    from {{ ref('attempt_costs') }}
    where charge_date = {{ charge_date() }}
),

{{ fleet_work() }},

{{ fleet_batches() }}, -- noqa: PRS

{{ fleet_verdicts() }},

{{ fleet_models() }}

select {{ charge_date() }} as charge_date, *
from (
    select 'machine' as kind, * from machine_hours
    union all by name
    select 'gauge' as kind, * from gauge_hours
    union all by name
    select 'work' as kind, * from work_hours
    union all by name
    select 'batch' as kind, * from batches
    union all by name
    select 'model' as kind, * from models_served
) as rows_of_day
