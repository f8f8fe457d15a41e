-- By the bill's own quantities; gigabytes are of 10^9 bytes.
with lines as (
    select
        *,
        {{ driver_gigabytes('consumed_quantity', 'consumed_unit') }}::decimal(38, 12) as gigabytes
    from {{ ref('int_charge_lines') }}
    where cost_driver in ('egress_internet', 'egress_cross_region', 'egress_cross_zone', 'cdn')
),

sums as (
    select
        billing_period,
        source,
        billing_currency,
        cost_driver,
        coalesce(region_id, '(none)') as region_id,
        sum(effective_cost)::decimal(38, 12) as effective_cost,
        sum(effective_cost) filter (where gigabytes is not null)::decimal(38, 12) as measured_cost,
        sum(gigabytes)::decimal(38, 12) as gigabytes,
        count(*) filter (where gigabytes is null) as unmeasured_lines
    from lines
    group by all
)

select
    billing_period,
    source,
    billing_currency,
    cost_driver,
    region_id,
    effective_cost,
    gigabytes,
    {{ driver_price('measured_cost', 'gigabytes') }} as cost_per_gigabyte,
    case
        when unmeasured_lines > 0
            then unmeasured_lines || ' lines have no gigabytes: the bill states none, or names no price for them'
    end as unmeasured_reason
from sums
