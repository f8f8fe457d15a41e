-- What an hour of an accelerator cost, by the bill's own time; a band of public prices stands beside it.
with machines as (
    select
        source,
        product,
        max(gpu_milliseconds // billed_milliseconds) as accelerators
    from {{ ref('int_charge_lines') }}
    where product is not null and gpu_milliseconds > 0 and billed_milliseconds > 0
    group by source, product
    having min(gpu_milliseconds / billed_milliseconds) = max(gpu_milliseconds // billed_milliseconds)
),

-- Spot lines state no number of accelerators: it is that of the same machine bought otherwise.
charges as (
    select
        lines.*,
        coalesce(
            lines.gpu_milliseconds,
            if(lower(lines.consumed_unit) = 'gpu-hours', (lines.consumed_quantity * 3600000)::bigint, null),
            lines.billed_milliseconds * machines.accelerators
        ) as accelerator_milliseconds
    from {{ ref('int_charge_lines') }} as lines
    left join machines on lines.source = machines.source and lines.product = machines.product
    where lines.accelerator <> '(none)' and lines.is_machine
),

lines as (
    select
        billing_period,
        source,
        billing_currency,
        accelerator,
        purchase_kind,
        sum(effective_cost)::decimal(38, 12) as effective_cost,
        sum(effective_cost) filter (where accelerator_milliseconds > 0)::decimal(38, 12) as measured_cost,
        sum(accelerator_milliseconds) filter (where accelerator_milliseconds > 0)::bigint // 1000 as gpu_seconds
    from charges
    group by all
),

priced as (
    select
        *,
        {{ unit_cost('nullif(measured_cost, 0) * 3600', 'gpu_seconds') }} as cost_per_hour
    from lines
)

select
    lines.billing_period,
    lines.source,
    lines.billing_currency,
    lines.accelerator,
    lines.purchase_kind,
    accelerators.maker,
    accelerators.family,
    accelerators.memory_gb,
    lines.effective_cost,
    (lines.gpu_seconds / 3600)::decimal(38, 12) as accelerator_hours,
    lines.cost_per_hour,
    case
        when lines.gpu_seconds is null then 'the bill states no time or no number of accelerators'
        when lines.cost_per_hour is null then 'the time itself was free: it is paid for on another line'
    end as cost_per_hour_reason,
    case when lines.billing_currency = 'USD' then accelerators.hourly_price_low end as hourly_price_low,
    case when lines.billing_currency = 'USD' then accelerators.hourly_price_high end as hourly_price_high,
    case when lines.billing_currency = 'USD'
        then lines.cost_per_hour not between accelerators.hourly_price_low and accelerators.hourly_price_high
    end as is_outside_band
from priced as lines
inner join {{ ref('accelerators') }} as accelerators on lines.accelerator = accelerators.accelerator
