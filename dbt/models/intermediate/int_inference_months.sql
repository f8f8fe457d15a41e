-- The same of a calendar month (UTC): days add up, but an inference with attempts on several days is named on each.
-- depends_on: {{ ref('int_period_inputs') }}
{{ config(materialized='monthly_parquet', meta={'day_hash': 'attempts_hash'}) }}
{%- set month = "strftime(charge_date, '%Y-%m')" %}
{%- set tuple = (entities() + ['billing_currency']) | join(', ') %}
with days as not materialized (
    select *
    from {{ ref('int_inference_counts') }}
    where {{ is_of_period(month) }}
),

-- Those that their day only counts.
recurring as materialized (
    select
        charge_date,
        {{ tuple }},
        inference_id
    from {{ ref('attempt_costs') }}
    where
        {{ is_of_period(month) }}
        and is_ended
        and hash(inference_id) in (
            select ids.id from {{ ref('int_recurring_ids') }} as ids where ids.kind = 'inference_id'
        )
        and (charge_date, inference_id) not in (
            select (days.charge_date, days.inference_id) from days where days.inference_id is not null
        )
)

select
    {{ month }} as billing_period,
    {{ tuple }},
    inference_id,
    sum(attempts)::bigint as attempts
from (
    select * from days
    union all by name
    select *, 1 as attempts from recurring
    union all by name
    select * replace (null as inference_id), -1 as attempts from recurring
) as attempts
group by all
having sum(attempts) <> 0
