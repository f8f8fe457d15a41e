-- Derived, for looking at one attempt: its direct cost and its part of what was shared on the day
-- with its entities, in proportion to direct cost. The ledger is what adds up.
{{ config(materialized='view') }}
with loads as (
    select
        charge_date,
        billing_currency,
        {{ entities() | join(', ') }},
        sum(effective_cost) filter (where component = 'direct') as direct_cost
        {%- for component in ['idle', 'scaling', 'shared', 'overhead'] %},
        coalesce(sum(effective_cost) filter (where component = '{{ component }}'), 0) as {{ component }}_cost
        {%- endfor %}
    from {{ ref('allocated_costs') }}
    group by all
)

select
    attempts.attempt_id,
    attempts.charge_date,
    attempts.billing_currency,
    attempts.direct_cost
    {%- for component in ['idle', 'scaling', 'shared', 'overhead'] %},
    (loads.{{ component }}_cost * (attempts.direct_cost / nullif(loads.direct_cost, 0)))::decimal(38, 12)
        as {{ component }}_cost
    {%- endfor %}
from {{ ref('attempt_costs') }} as attempts
left join loads
    on
        attempts.charge_date = loads.charge_date
        and attempts.billing_currency = loads.billing_currency
        {%- for entity in entities() %}
        and attempts.{{ entity }} = loads.{{ entity }}
        {%- endfor %}
