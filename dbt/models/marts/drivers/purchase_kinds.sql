-- How machines were bought. Coverage and shares are of the machines of the source in that month.
with sums as (
    select
        billing_period,
        source,
        billing_currency,
        purchase_kind,
        sum(effective_cost)::decimal(38, 12) as effective_cost,
        coalesce(sum(effective_cost) filter (where commitment_discount_status = 'Unused'), 0)::decimal(38, 12)
            as unused_cost,
        -- A list cost of 0 is one that the bill does not tell.
        case
            when bool_and(list_cost > 0) filter (
                where effective_cost > 0 and commitment_discount_status is distinct from 'Unused'
            ) then sum(list_cost)
        end::decimal(38, 12) as list_cost
    from {{ ref('int_charge_lines') }}
    where purchase_kind <> '(none)' and (is_machine or commitment_discount_status is not null)
    group by all
)

select
    * exclude (unlisted),
    (effective_cost / nullif(sum(effective_cost) over bought, 0))::decimal(18, 6) as share_of_cost,
    -- Of what a commitment could have covered, at list prices; spot capacity is bought instead of either.
    case when purchase_kind = 'commitment' and unlisted = 0 then (
        list_cost / nullif(sum(list_cost) filter (where purchase_kind in ('commitment', 'on demand')) over bought, 0)
    )::decimal(18, 6) end as coverage,
    case
        when purchase_kind = 'commitment' and unlisted > 0
            then 'the bill tells no list price of what commitments covered, or of what was bought on demand'
    end as coverage_reason
from (
    select
        *,
        count(*) filter (where purchase_kind <> 'spot' and list_cost is null) over (
            partition by billing_period, source, billing_currency
        ) as unlisted
    from sums
) as listed
window bought as (partition by billing_period, source, billing_currency)
