-- One row: the last day that every source which delivers daily has delivered, and the sources that this leaves
-- out. A source is daily if, for three weeks or longer, it delivered on three of four of its last 28
-- days; one that is 14 days behind the newest is late or has ended, and nothing waits for it.
{{ config(materialized='table', schema='intermediate', contract={'enforced': false}) }}
with delivered as (
    select distinct
        source,
        unnest(days, recursive := true)
    from {{ ref('stg_lake__deliveries') }}
    where
        status = 'current'
        and table_name in ('attempts', 'charges', 'counter_deltas', 'metered_usage', 'resource_states')
        and source in (
            select sources.source from {{ ref('stg_lake__sources') }} as sources where sources.is_authoritative
        )
),

delivering as (
    select
        source,
        count(distinct day) as days,
        least(28, max(day) - first_day + 1) as possible_days,
        max(day) as last_day
    from (
        select
            source,
            day,
            min(day) over (partition by source) as first_day,
            max(day) over (partition by source) as newest
        from delivered
    ) as dated
    where day > newest - 28
    group by source, first_day
),

complete as (
    select min(last_day) as complete_through
    from delivering
    where
        possible_days >= 21
        and days * 4 >= possible_days * 3
        and last_day > (select max(newest.last_day) from delivering as newest) - 14
),

-- By the days on which their costs arose: a monthly invoice is spread over the days of its month.
costing as (
    select
        source,
        count(distinct charge_date) as days,
        least(28, max(charge_date) - first_day + 1) as possible_days,
        max(charge_date) as last_day
    from (
        select
            source,
            charge_date,
            min(charge_date) over (partition by source) as first_day,
            max(charge_date) over (partition by source) as newest
        from {{ ref('owner_costs_daily') }}
    ) as dated
    where charge_date > newest - 28
    group by source, first_day
)

select
    complete.complete_through,
    coalesce(
        list(costing.source order by costing.source) filter (
            where costing.last_day < complete.complete_through
            and costing.possible_days >= 21
            and costing.days * 4 >= costing.possible_days * 3
        ),
        []
    )::varchar[] as left_out_sources
from complete
left join costing on true
group by complete.complete_through
