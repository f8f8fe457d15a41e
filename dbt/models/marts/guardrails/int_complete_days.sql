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

-- By the days on which their costs arose, too: a monthly invoice is spread over the days of its month.
{% for known, of_source, day in [
    ('delivering', 'delivered', 'day'), ('costing', ref('owner_costs_daily'), 'charge_date')
] -%}
{{ known }} as (
    select
        source,
        least(28, max(day) - first_day + 1) >= 21
        and count(distinct day) * 4 >= least(28, max(day) - first_day + 1) * 3 as is_daily,
        max(day) as last_day
    from (
        select
            source,
            {{ day }} as day,
            min({{ day }}) over (partition by source) as first_day,
            max({{ day }}) over (partition by source) as newest
        from {{ of_source }}
    ) as dated
    where day > newest - 28
    group by source, first_day
),

{% endfor -%}
complete as (
    select min(last_day) as complete_through
    from delivering
    where is_daily and last_day > (select max(newest.last_day) from delivering as newest) - 14
)

select
    complete.complete_through,
    coalesce(
        list(costing.source order by costing.source) filter (
            where costing.is_daily and costing.last_day < complete.complete_through
        ),
        []
    )::varchar[] as left_out_sources
from complete
left join costing on true
group by complete.complete_through
