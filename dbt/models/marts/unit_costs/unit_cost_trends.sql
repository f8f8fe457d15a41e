-- Whether unit costs move in the right direction as usage grows: against the period before, and over the
-- days of the period.
-- Least squares on whole numbers, in 10^-8: the sums are exact, whatever the order of the days.
{%- set least_days = 7 %}
with days as (
    {%- for kind in ['week', 'month'] %}
    {{ 'union all' if not loop.first }}
    select
        '{{ kind }}' as period_kind,
        date_trunc('{{ kind }}', period_start) as period_start,
        entity,
        value,
        billing_currency,
        if(loaded_cost > 0, round(ln(inferences) * 100000000)::bigint, null) as volume,
        if(loaded_cost > 0, round(ln(loaded_cost::double) * 100000000)::bigint, null) as cost
    from {{ ref('int_unit_totals') }}
    where period_kind = 'day' and inferences > 0 and entity <> 'deployment'
    {%- endfor %}
),

fitted as (
    select
        period_kind,
        period_start,
        entity,
        value,
        billing_currency,
        count(volume) as days,
        max(volume) - min(volume) as spread,
        {% for a, b in [('volume', 'volume'), ('cost', 'cost'), ('volume', 'cost')] -%}
        (count(volume) * sum({{ a }} * {{ b }}) - sum({{ a }}) * sum({{ b }}))::double as {{ a }}_{{ b }},
        {% endfor -%}
        volume_cost / nullif(volume_volume, 0) as slope,
        -- Costs that are all the same are on a line.
        if(cost_cost = 0, 1, volume_cost * volume_cost / nullif(volume_volume * cost_cost, 0)) as r2
    from days
    group by period_kind, period_start, entity, value, billing_currency
),

periods as (
    select
        period_kind,
        period_start,
        period_start + if(period_kind = 'week', interval 7 day, interval 1 month) as next_start,
        entity,
        value,
        billing_currency,
        inferences,
        {{ unit_cost('direct_cost', 'inferences') }} as direct_cost_per_inference,
        {{ unit_cost('loaded_cost', 'inferences') }} as loaded_cost_per_inference
    from {{ ref('int_unit_totals') }}
    where period_kind in ('week', 'month') and inferences > 0 and entity <> 'deployment'
)

select
    periods.period_kind,
    periods.period_start::date as period_start,
    periods.billing_currency,
    periods.entity,
    periods.value,
    coalesce(fitted.days, 0)::bigint as days,
    periods.inferences,
    before.inferences as inferences_before,
    {% for basis in ['direct', 'loaded'] -%}
    periods.{{ basis }}_cost_per_inference,
    before.{{ basis }}_cost_per_inference as {{ basis }}_cost_per_inference_before,
    (periods.{{ basis }}_cost_per_inference / nullif(before.{{ basis }}_cost_per_inference, 0) - 1)::decimal(18, 6)
        as {{ basis }}_change,
    {% endfor -%}
    if(fitted.days >= {{ least_days }} and fitted.spread > 0, fitted.slope, null)::decimal(18, 6) as elasticity,
    if(fitted.days >= {{ least_days }} and fitted.spread > 0, fitted.r2, null)::decimal(18, 6) as elasticity_r2,
    case
        when coalesce(fitted.days, 0) < {{ least_days }} then 'fewer than {{ least_days }} days with a cost'
        when fitted.spread = 0 then 'the same number of inferences on all days'
    end as elasticity_reason
from periods
left join fitted
    on
        periods.period_kind = fitted.period_kind and periods.period_start = fitted.period_start
        and periods.entity = fitted.entity and periods.value = fitted.value
        and periods.billing_currency is not distinct from fitted.billing_currency
left join periods as before
    on
        periods.period_kind = before.period_kind and periods.period_start = before.next_start
        and periods.entity = before.entity and periods.value = before.value
        and periods.billing_currency is not distinct from before.billing_currency
