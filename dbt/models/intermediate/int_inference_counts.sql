-- What requests of a day are counted from, in one look at all attempts: one row a day, currency and entities, of the
-- attempts that ended, and one row more for each inference that has several attempts, which names it.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(materialized='daily_parquet', meta={'is_of_days': true, 'day_hash': 'attempts_hash'}) }}
-- They are found by hashes: one that two inferences share does no harm, both are named.
with several as materialized (
    select
        charge_date,
        hash(inference_id) as key
    from {{ ref('attempt_costs') }}
    where {{ is_of_days('charge_date') }} and is_ended
    group by charge_date, key
    having count(*) > 1
)

select
    attempts.charge_date,
    {% for entity in entities() %}attempts.{{ entity }}, {% endfor %}
    attempts.billing_currency,
    if(several.key is null, null, attempts.inference_id) as inference_id,
    count(*) as attempts
from {{ ref('attempt_costs') }} as attempts
left join several on attempts.charge_date = several.charge_date and hash(attempts.inference_id) = several.key
where {{ is_of_days('attempts.charge_date') }} and attempts.is_ended
group by all
