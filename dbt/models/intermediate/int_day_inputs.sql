-- One row a day that has charges or attempts, with a hash of everything that its facts are made from.
-- A day whose facts carry this hash is not built again.
with delivered_days as (
    select
        table_name,
        unnest(days, recursive := true)
    from {{ ref('stg_lake__deliveries') }}
    where status = 'current' and table_name in ('attempts', 'resource_states')
),

-- An attempt or a state that runs past midnight was delivered with another day's.
telemetry as (
    select
        days.charge_date,
        string_agg(table_name || day || hash, ',' order by table_name, day, hash) as hash
    from (
        select distinct unnest([day - 1, day, day + 1])::date as charge_date
        from delivered_days
    ) as days
    inner join delivered_days on abs(date_diff('day', delivered_days.day, days.charge_date)) <= 1
    group by days.charge_date
),

charge_days as (
    select
        spread.charge_date,
        sum(hash(spread, charge_groups))::varchar as hash
    from {{ ref('int_charges_spread_daily') }} as spread
    inner join {{ ref('int_charge_groups') }} as charge_groups
        on spread.charge_group_id = charge_groups.charge_group_id
    group by spread.charge_date
),

days as (
    select charge_date from charge_days
    union
    select day from delivered_days where table_name = 'attempts'
),

names as (
    select string_agg(cast(aliases as varchar), ',' order by cast(aliases as varchar)) as hash
    from {{ ref('stg_lake__model_aliases') }} as aliases
)

select
    days.charge_date,
    md5(concat_ws(
        '|', '{{ env_var("UNITLEDGER_MODEL_VERSION", "development") }}', names.hash, telemetry.hash, charge_days.hash
    )) as input_hash
from days
cross join names
left join charge_days on days.charge_date = charge_days.charge_date
left join telemetry on days.charge_date = telemetry.charge_date
