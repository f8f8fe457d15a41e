-- One row a day, model, kind of entity and its value: what counters counted for it, where they say whose
-- it was; entity 'engine' is what the model's servers counted, whoever it was for. A gateway's counters
-- are believed before a client's: both may have counted the same requests.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(materialized='daily_parquet', meta={'is_of_days': true, 'day_hash': 'attempts_hash'}) }}
with deltas as (
    select
        deltas.*,
        coalesce(aliases.model, deltas.model) as counted_model,
        deltas.counted_from::date as charge_date
    from {{ ref('stg_lake__counter_deltas') }} as deltas
    left join {{ ref('stg_lake__model_aliases') }} as aliases
        on
            deltas.model = aliases.name
            and {{ is_valid_on('aliases', 'deltas.counted_from::date') }}
    where
        deltas.counted_from >= cast({{ charge_date() }} as timestamp)
        and deltas.counted_from < cast({{ last_date() }} as timestamp) + interval 1 day
        and deltas.model is not null
),

counted as (
    {%- for entity in entities() | reject('equalto', 'model') %}
    select
        charge_date,
        counted_model as model,
        '{{ entity }}' as entity,
        coalesce({{ entity }}, '(none)') as value,
        counted_by,
        counter,
        quantity,
        count({{ entity }}) over (partition by charge_date, counted_model, counted_by) > 0 as is_labelled
    from deltas
    where counted_by <> 'engine'
    union all
    {%- endfor %}
    select
        charge_date,
        counted_model,
        'engine',
        '(all)',
        counted_by,
        counter,
        quantity,
        true
    from deltas
    where counted_by = 'engine'
),

believed as (
    select *
    from counted
    where is_labelled
    qualify counted_by = max(counted_by) over (partition by charge_date, model, entity)
)

select
    charge_date,
    model,
    entity,
    value
    {%- for counter in ['requests', 'input_tokens', 'cache_read_tokens', 'cache_write_tokens', 'output_tokens'] %},
    coalesce(sum(quantity) filter (where counter = '{{ counter }}'), 0)::decimal(38, 12) as {{ counter }}
    {%- endfor %}
from believed
group by all
