-- One row a capacity charge group: what the bill asks for a machine's hour, and what of it stopping the
-- machine would save: a commitment is paid all the same.
{{ config(schema='intermediate', contract={'enforced': false}) }}
with committed as (
    select
        source,
        billing_period,
        billing_currency,
        resource_id,
        charge_period_start,
        charge_period_end,
        sum(effective_cost)::decimal(38, 12) as committed_cost
    from {{ ref('int_charges') }}
    where charge_kind = 'capacity' and commitment_discount_status = 'Used'
    group by all
)

select
    charge_groups.charge_group_id,
    charge_groups.charge_date,
    charge_groups.resource_id,
    charge_groups.billing_currency,
    charge_groups.charge_period_start as started_at,
    charge_groups.charge_period_end as ended_at,
    coalesce(nullif(regexp_extract(charge_groups.usage_type, ':(.+)$', 1), ''), charge_groups.usage_type, '(unknown)')
        as shape,
    charge_groups.gpu_count,
    charge_groups.effective_cost,
    greatest(0, charge_groups.effective_cost - coalesce(committed.committed_cost, 0))::decimal(38, 12)
        as stoppable_cost,
    coalesce(
        nullif(charge_groups.billed_milliseconds, 0),
        epoch_ms(charge_groups.charge_period_end) - epoch_ms(charge_groups.charge_period_start)
    )::bigint as billed_ms
from {{ ref('int_charge_groups') }} as charge_groups
left join committed
    on
        charge_groups.source = committed.source
        and charge_groups.billing_period = committed.billing_period
        and charge_groups.billing_currency = committed.billing_currency
        and charge_groups.resource_id = committed.resource_id
        and charge_groups.charge_period_start = committed.charge_period_start
        and charge_groups.charge_period_end = committed.charge_period_end
where charge_groups.treatment = 'capacity' and charge_groups.effective_cost > 0
