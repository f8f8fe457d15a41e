{# Of each part, its effects add up to its change; and of each entity, all changes of a new pair of
   periods to the cost of the one minus that of the other. #}
{% test changes_add_up(model) %}
{#- Written out, so that files of other months are not read. -#}
{%- set first = none -%}
{%- if execute -%}
    {%- set oldest = run_query('select min(previous_start) from ' ~ ref('int_change_inputs') ~ ' where is_new') -%}
    {%- set first = oldest.rows[0][0] -%}
{%- endif -%}
with new_pairs as (
    select pair, period_start, previous_start, next_start
    from {{ ref('int_change_inputs') }}
    where is_new
),

parts as (
    select
        pairs.pair,
        parts.billing_currency,
        parts.entity,
        sum(if(parts.charge_date >= pairs.period_start, parts.effective_cost, -parts.effective_cost)) as cost_change,
        bool_or(parts.charge_date >= pairs.period_start)
        and bool_or(parts.charge_date < pairs.period_start) as is_compared
    from {{ ref('cost_parts_daily') }} as parts
    inner join new_pairs as pairs
        on parts.charge_date >= pairs.previous_start and parts.charge_date < pairs.next_start
    where {{ "parts.charge_date >= date '" ~ first ~ "'" if first else 'false' }}
    group by all
),

changes as (
    select
        {{ change_pair() }} as pair,
        *
    from {{ model }}
    where pair in (select new_pairs.pair from new_pairs)
),

sums as (
    select pair, billing_currency, entity, sum(cost_change) as cost_change
    from changes
    group by all
)

select
    parts.pair,
    parts.billing_currency,
    parts.entity,
    parts.cost_change as expected,
    sums.cost_change
from parts
left join sums
    on
        parts.pair = sums.pair
        and parts.billing_currency = sums.billing_currency
        and parts.entity = sums.entity
where parts.is_compared and parts.cost_change <> coalesce(sums.cost_change, 0)
union all
select pair, billing_currency, entity, cost_after - cost_before, sum(cost_change)
from changes
group by pair, billing_currency, entity, value, kind, part, cost_before, cost_after
having sum(cost_change) <> cost_after - cost_before
{% endtest %}
