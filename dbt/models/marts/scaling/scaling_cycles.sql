-- Each scale-down with the scale-up that followed, what the two cost and what stopping saved in between.
with rates as (
    select *
    from (
        select
            resource_id,
            started_at,
            max(ended_at) as ended_at,
            billing_currency,
            sum(effective_cost)::decimal(38, 12) as effective_cost,
            sum(stoppable_cost)::decimal(38, 12) as stoppable_cost,
            max(billed_ms) as billed_ms
        from {{ ref('int_machine_rates') }}
        group by resource_id, started_at, billing_currency
    ) as hours
    qualify row_number() over (
        partition by resource_id, started_at order by effective_cost desc, billing_currency asc
    ) = 1
),

rated as (
    select
        pairs.*,
        epoch_ms(pairs.up_at) - epoch_ms(pairs.down_at) as gap_ms,
        downs.billing_currency,
        downs.effective_cost as down_cost,
        downs.stoppable_cost as down_stoppable_cost,
        downs.billed_ms as down_billed_ms,
        if(ups.billing_currency = downs.billing_currency, ups.effective_cost, null) as up_cost,
        ups.billed_ms as up_billed_ms
    from {{ ref('int_scale_downs') }} as pairs
    asof left join rates as downs on pairs.down_resource_id = downs.resource_id and pairs.down_at > downs.started_at
    asof left join rates as ups
        on pairs.up_resource_id = ups.resource_id and pairs.up_at < ups.ended_at
),

priced as (
    select
        *,
        (
            {{ cost_of_ms('down_cost', 'drain_ms * part + billed_after_ms * parts', '(down_billed_ms * parts)') }}
            + {{ cost_of_ms('up_cost', '(provision_ms + start_ms) * part', '(up_billed_ms * parts)') }}
        )::decimal(38, 12) as overhead_cost,
        -- The machine of a model that was put out goes on being billed.
        case when kind = 'model' then 0::decimal(38, 12) else
            {{ cost_of_ms('down_stoppable_cost', 'gap_ms', 'down_billed_ms') }}
        end as avoided_cost
    from rated
)

select
    kind,
    pool,
    shape,
    model,
    down_resource_id,
    up_resource_id,
    down_at,
    up_at,
    gap_ms,
    reason,
    drain_ms,
    provision_ms,
    start_ms,
    pull_ms,
    load_ms,
    billing_currency,
    overhead_cost as overhead_cost_estimate,
    avoided_cost as avoided_cost_estimate,
    case when overhead_cost is not null then greatest(0, overhead_cost - avoided_cost) end::decimal(38, 12)
        as loss_cost_estimate,
    case
        when kind = 'machine' and down_stoppable_cost > 0
            then ceil(
                {{ nano('overhead_cost') }} * (down_billed_ms / {{ nano('down_stoppable_cost') }}::double)
            )::bigint
    end as break_even_gap_ms,
    coalesce(reason = 'scaling' and overhead_cost > avoided_cost, false) as is_thrash,
    case
        when overhead_cost is null and down_cost is null then 'no bill of the machine'
        when overhead_cost is null then 'no bill of the machine that came, in the same currency'
    end as cost_reason
from priced
