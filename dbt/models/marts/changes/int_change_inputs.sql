-- One row a pair of periods that cost_changes compares, with the files of the days of both, and a hash of everything
-- that their comparison is made from. `charge_date`: the last of the days; `is_new`: one of them is not as
-- published.
{{ config(materialized='table', contract={'enforced': false}, schema='intermediate') }}
with dates as (
    {{ change_dates(ref('int_day_inputs')) }}
),

rates as (
    select
        charge_date,
        sum(hash(rates))::varchar as hash
    from {{ ref('capacity_rates_daily') }} as rates
    group by charge_date
),

tables as (
    {%- for relation in ['stg_lake__owners', 'stg_lake__pools', 'stg_lake__rules'] %}
    select '{{ relation }} ' || coalesce(sum(hash(configured))::varchar, '') as table_hash
    from {{ ref(relation) }} as configured
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

configured as (
    select string_agg(table_hash, ',' order by table_hash) as hash
    from tables
),

compared as (
    select period_kind, period_start, next_start, charge_date
    from dates
    union all
    select dates.period_kind, pairs.period_start, pairs.next_start, dates.charge_date
    from dates
    inner join (select distinct period_kind, period_start, next_start from dates) as pairs
        on dates.period_kind = pairs.period_kind and dates.next_start = pairs.period_start
)

select
    {{ change_pair('compared.period_start', 'compared.period_kind') }} as pair,
    compared.period_start,
    min(compared.charge_date) filter (where compared.charge_date < compared.period_start) as previous_start,
    compared.next_start,
    max(compared.charge_date) as charge_date,
    list(inputs.files order by compared.charge_date) as files,
    md5(
        any_value(configured.hash)
        || string_agg(
            inputs.ledger_hash || coalesce(rates.hash, ''), ',' order by compared.charge_date
        )
    ) as changes_hash,
    sum(inputs.rows)::bigint as rows,
    bool_or(inputs.is_new) as is_new
from compared
inner join {{ ref('int_day_inputs') }} as inputs on compared.charge_date = inputs.charge_date
left join rates on compared.charge_date = rates.charge_date
cross join configured
group by compared.period_kind, compared.period_start, compared.next_start
having bool_or(compared.charge_date < compared.period_start)
