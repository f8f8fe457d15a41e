-- What an hour of a GPU costs, and would cost on demand: of each machine's charges, the time, the cost,
-- the cost without the commitment that covers it, and that at the price on demand of the same shape.
-- A spot line does not say what the shape costs on demand: other lines of the shape do, of the day or
-- of the last day before; without any, its list price; without that, its own price.
with machines as (
    select
        charge_group_id,
        any_value(pool) as pool,
        max(nanoseconds) as nanoseconds
    from {{ ref('int_capacity_groups') }}
    group by charge_group_id
),

lines as materialized (
    select
        charge_groups.charge_group_id,
        charge_groups.charge_date,
        charge_groups.billing_currency,
        machines.pool,
        coalesce(
            json_extract_string(charges.sku_price_details, '$.InstanceType'),
            nullif(regexp_extract(charges.usage_type, ':(.+)$', 1), ''),
            charges.sku_meter,
            charges.sku_id,
            charges.usage_type,
            charges.charge_description,
            '(unknown)'
        ) || coalesce(' in ' || charges.region_id, '') as shape,
        case
            when charges.pricing_category = 'Dynamic' or contains(charges.usage_type, 'SpotUsage') then 'spot'
            when charges.commitment_discount_status = 'Used' then 'committed'
            else 'on demand'
        end as purchase_option,
        machines.nanoseconds,
        greatest(coalesce(charges.billed_milliseconds, 1), 1) as part,
        charges.effective_cost,
        if(
            purchase_option = 'committed',
            greatest(charges.contracted_cost, charges.effective_cost),
            charges.effective_cost
        ) as uncommitted_cost,
        greatest(charges.list_cost, charges.effective_cost) as list_cost
    from {{ ref('int_charge_groups') }} as charge_groups
    inner join machines on charge_groups.charge_group_id = machines.charge_group_id
    inner join {{ ref('int_charges') }} as charges
        on
            charge_groups.source = charges.source
            and charge_groups.billing_period = charges.billing_period
            and charge_groups.billing_currency = charges.billing_currency
            and charge_groups.resource_id = charges.resource_id
            and charge_groups.charge_period_start = charges.charge_period_start
            and charge_groups.charge_period_end = charges.charge_period_end
    where charge_groups.treatment = 'capacity' and charges.charge_kind = 'capacity' and charges.effective_cost > 0
),

-- Few share a group with another: a window would hold a partition for each.
groups as (
    select
        charge_group_id,
        sum(part) as parts
    from lines
    group by charge_group_id
),

hours as (
    select
        charge_date,
        billing_currency,
        pool,
        shape,
        purchase_option,
        sum(nanoseconds::hugeint * part // groups.parts)::hugeint as nanoseconds,
        sum(effective_cost)::decimal(38, 12) as effective_cost,
        sum(uncommitted_cost)::decimal(38, 12) as uncommitted_cost,
        sum(list_cost)::decimal(38, 12) as list_cost
    from lines
    inner join groups on lines.charge_group_id = groups.charge_group_id
    group by all
),

on_demand as (
    select
        billing_currency,
        shape,
        charge_date,
        sum(uncommitted_cost)::double / sum(nanoseconds)::double as rate
    from hours
    where purchase_option <> 'spot' and nanoseconds > 0
    group by billing_currency, shape, charge_date
),

first_rates as (
    select billing_currency, shape, arg_min(rate, charge_date) as rate
    from on_demand
    group by billing_currency, shape
)

select
    hours.charge_date,
    hours.billing_currency,
    hours.pool,
    hours.shape,
    hours.purchase_option,
    hours.nanoseconds::bigint as gpu_nanoseconds,
    hours.effective_cost,
    hours.uncommitted_cost,
    case
        when hours.purchase_option <> 'spot' then hours.uncommitted_cost
        else greatest(
            hours.effective_cost,
            coalesce(
                round(coalesce(on_demand.rate, first_rates.rate) * hours.nanoseconds::double, 9)::decimal(38, 12),
                hours.list_cost
            )
        )
    end::decimal(38, 12) as on_demand_cost_estimate
from hours
asof left join on_demand
    on
        hours.billing_currency = on_demand.billing_currency
        and hours.shape = on_demand.shape
        and hours.charge_date >= on_demand.charge_date
left join first_rates on hours.billing_currency = first_rates.billing_currency and hours.shape = first_rates.shape
