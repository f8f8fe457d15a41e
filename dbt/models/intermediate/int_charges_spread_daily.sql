-- One row a charge group and day of use (and, for a correction, the group it mirrors).
-- A charge longer than a day is spread over the days of its period that have elapsed: tax and
-- credits by the bill's daily cost, corrections like what they correct, others by milliseconds.
with charge_groups as (
    select
        charge_group_id,
        source,
        billing_period,
        billing_currency,
        treatment,
        charge_period_start,
        charge_period_end,
        charge_date,
        effective_cost,
        charge_period_end > charge_period_start + interval 1 day as is_long
    from {{ ref('int_charge_groups') }}
    where effective_cost <> 0
),

daily_costs as (
    select
        source,
        billing_period,
        billing_currency,
        charge_date,
        sum(effective_cost) as effective_cost
    from charge_groups
    where not is_long and treatment not in ('tax', 'credit', 'correction')
    group by source, billing_period, billing_currency, charge_date
),

elapsed as (
    select
        source,
        billing_period,
        billing_currency,
        max(charge_date) as last_date
    from daily_costs
    group by source, billing_period, billing_currency
),

long_days as (
    select
        charge_groups.*,
        cast(unnest(generate_series(
            charge_groups.charge_date,
            greatest(
                charge_groups.charge_date,
                least(
                    cast(charge_groups.charge_period_end - interval 1 microsecond as date),
                    coalesce(elapsed.last_date, cast(charge_groups.charge_period_end as date))
                )
            ),
            interval 1 day
        )) as date) as day
    from charge_groups
    left join elapsed
        on
            charge_groups.source = elapsed.source
            and charge_groups.billing_period = elapsed.billing_period
            and charge_groups.billing_currency = elapsed.billing_currency
    where charge_groups.is_long or charge_groups.treatment in ('tax', 'credit')
),

weights as (
    select
        long_days.charge_group_id,
        long_days.day as charge_date,
        null as mirrored_group_id,
        long_days.effective_cost as amount,
        case
            when long_days.treatment in ('tax', 'credit')
                then coalesce({{ nano('greatest(daily_costs.effective_cost, 0)') }}, 0)
            else
                epoch_ms(least(long_days.charge_period_end, cast(long_days.day + interval 1 day as timestamp)))
                - epoch_ms(greatest(long_days.charge_period_start, cast(long_days.day as timestamp)))
        end as weight
    from long_days
    left join daily_costs
        on
            long_days.source = daily_costs.source
            and long_days.billing_period = daily_costs.billing_period
            and long_days.billing_currency = daily_costs.billing_currency
            and long_days.day = daily_costs.charge_date
    where not exists (
        select 1
        from {{ ref('int_corrections_matched') }} as corrections
        where corrections.charge_group_id = long_days.charge_group_id
    )
    union all
    select
        charge_group_id,
        charge_date,
        mirrored_group_id,
        amount,
        weight
    from {{ ref('int_corrections_matched') }}
),

weighted as (
    select
        *,
        sum(weight) over (partition by charge_group_id) as total_weight
    from weights
),

shares as (
    {{ exact_shares('weighted', 'charge_group_id', 'charge_date, mirrored_group_id') }}
)

select
    charge_group_id,
    charge_date,
    mirrored_group_id,
    share as effective_cost
from shares
where share <> 0
union all
-- What is not spread stays on its first day: short charges, and those that nothing gives a weight.
select
    charge_groups.charge_group_id,
    charge_groups.charge_date,
    null as mirrored_group_id,
    charge_groups.effective_cost
from charge_groups
where not exists (select 1 from shares where shares.charge_group_id = charge_groups.charge_group_id)
