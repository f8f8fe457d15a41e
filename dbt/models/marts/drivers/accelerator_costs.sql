-- What an hour of an accelerator cost, by the bill's own time; a band of public prices stands beside it.
with lines as (
    select
        billing_period,
        source,
        billing_currency,
        accelerator,
        purchase_kind,
        sum(effective_cost)::decimal(38, 12) as effective_cost,
        sum(effective_cost) filter (where gpu_milliseconds > 0)::decimal(38, 12) as measured_cost,
        sum(gpu_milliseconds) filter (where gpu_milliseconds > 0)::bigint // 1000 as gpu_seconds
    from {{ ref('int_charge_lines') }}
    where accelerator <> '(none)' and is_machine
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
