-- Against what the same bill charges for the same machine on demand; else against the list price, where it
-- is another one. Interruptions are those that events tell of these machines.
with lines as (
    select
        *,
        coalesce(consumed_quantity, billed_milliseconds * 0.001) as quantity
    from {{ ref('int_charge_lines') }}
    where purchase_kind in ('spot', 'on demand') and product is not null
),

on_demand as (
    select
        billing_period,
        source,
        billing_currency,
        product,
        region_id,
        consumed_unit,
        sum(effective_cost) as cost,
        sum(quantity) as quantity
    from lines
    where purchase_kind = 'on demand' and effective_cost > 0 and quantity > 0
    group by all
),

spot as (
    select
        billing_period,
        source,
        billing_currency,
        product,
        region_id,
        consumed_unit,
        sum(effective_cost)::decimal(38, 12) as effective_cost,
        sum(list_cost)::decimal(38, 12) as list_cost,
        sum(quantity) as quantity,
        list_distinct(list(resource_id)) as resource_ids
    from lines
    where purchase_kind = 'spot'
    group by all
),

events as (
    select
        strftime(occurred_at, '%Y-%m') as billing_period,
        count(*) as events,
        list(resource_id) filter (where event = 'interrupted') as interrupted
    from {{ ref('stg_lake__scale_events') }}
    group by 1
),

compared as (
    select
        spot.*,
        events.events,
        len(list_filter(coalesce(events.interrupted, []), lambda item: list_contains(spot.resource_ids, item)))
            as interruptions,
        case
            when on_demand.quantity > 0
                then on_demand.cost::double * (spot.quantity::double / on_demand.quantity::double)
            when spot.list_cost > spot.effective_cost then spot.list_cost
        end::decimal(38, 12) as on_demand_cost_estimate,
        case
            when on_demand.quantity > 0 then 'the same bill'
            when spot.list_cost > spot.effective_cost then 'list price'
        end as compared_with
    from spot
    left join on_demand
        on
            spot.billing_period = on_demand.billing_period
            and spot.source = on_demand.source
            and spot.billing_currency = on_demand.billing_currency
            and spot.product = on_demand.product
            and spot.region_id is not distinct from on_demand.region_id
            and spot.consumed_unit is not distinct from on_demand.consumed_unit
    left join events on spot.billing_period = events.billing_period
)

select
    billing_period,
    source,
    billing_currency,
    product,
    coalesce(region_id, '(none)') as region_id,
    coalesce(consumed_unit, 'Seconds') as unit,
    quantity::decimal(38, 12) as quantity,
    effective_cost,
    on_demand_cost_estimate,
    (1 - effective_cost / nullif(on_demand_cost_estimate, 0))::decimal(18, 6) as realised_discount_estimate,
    compared_with,
    case when compared_with is null then 'this bill has no on-demand use of it, and no list price' end
        as discount_reason,
    if(events > 0, interruptions, null)::bigint as interruptions,
    if(events > 0, null, 'no events of capacity were delivered for this month') as interruptions_reason
from compared
