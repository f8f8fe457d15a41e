-- Who answers for idle and starting capacity is the team that the ledger names; else it is the owner of the
-- feature, the workflow, the team, the source, in this order. A team without an owner answers itself.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(
    materialized='daily_parquet', schema='intermediate', contract={'enforced': false},
    meta={'is_of_days': true, 'day_hash': 'drivers_hash'}
) }}
{%- set places = ['feature', 'workflow', 'team', 'source'] %}
with sums as (
    select
        charge_date,
        source,
        billing_period,
        billing_currency,
        owner,
        feature,
        workflow,
        team,
        any_value(reporting_currency) as reporting_currency,
        sum(effective_cost) as effective_cost,
        sum(reporting_cost) as reporting_cost
    from {{ ref('allocated_costs') }}
    where {{ is_of_days('charge_date') }}
    group by all
),

owners as (
    select days.charge_date, owners.entity, owners.entity_value, min(owners.owner) as owner
    from (select distinct charge_date from sums) as days
    inner join {{ ref('stg_lake__owners') }} as owners on {{ is_valid_on('owners', 'days.charge_date') }}
    group by days.charge_date, owners.entity, owners.entity_value
)

select
    sums.charge_date,
    sums.source,
    sums.billing_period,
    sums.billing_currency,
    coalesce(
        of_pool.owner, sums.owner{% for place in places %}, of_{{ place }}.owner{% endfor %},
        nullif(sums.team, '(none)'), '(none)'
    ) as owner,
    case
        when sums.owner is not null then 'pool'
        {%- for place in places %}
        when of_{{ place }}.owner is not null then '{{ place }}'
        {%- endfor %}
        when sums.team <> '(none)' then 'team'
        else '(none)'
    end as owner_from,
    sum(sums.effective_cost)::decimal(38, 12) as effective_cost,
    any_value(sums.reporting_currency) as reporting_currency,
    sum(sums.reporting_cost)::decimal(38, 21) as reporting_cost
from sums
left join owners as of_pool
    on of_pool.entity = 'team' and sums.charge_date = of_pool.charge_date and sums.owner = of_pool.entity_value
{%- for place in places %}
left join owners as of_{{ place }}
    on
        of_{{ place }}.entity = '{{ place }}' and sums.charge_date = of_{{ place }}.charge_date
        and sums.{{ place }} = of_{{ place }}.entity_value
{%- endfor %}
group by 1, 2, 3, 4, 5, 6
