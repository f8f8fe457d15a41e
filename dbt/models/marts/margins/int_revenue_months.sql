-- One row a delivered revenue and calendar month that has costs: the part of it that its days there earn,
-- of the days on which there are costs too. The parts of a revenue add up to it, with those left out.
{{ config(schema='intermediate', contract={'enforced': false}) }}
with costed as (
    select min(charge_date) as first_date, max(charge_date) as last_date
    from {{ ref('int_day_inputs') }}
),

revenue as (
    select
        *,
        {{ id_of(['source', 'x_file', 'x_row', 'customer_id']) }} as revenue_id
    from {{ ref('stg_lake__revenue') }}
    where revenue_to > revenue_from
),

spans as (
    select
        revenue.*,
        cast(unnest(generate_series(
            date_trunc('month', revenue.revenue_from), revenue.revenue_to - interval 1 day, interval 1 month
        )) as date) as month_start
    from revenue
),

clipped as (
    select
        spans.*,
        greatest(spans.revenue_from, spans.month_start) as month_from,
        least(spans.revenue_to, cast(spans.month_start + interval 1 month as date)) as month_to,
        greatest(month_from, costed.first_date) as earned_from,
        greatest(least(month_to, costed.last_date + 1), earned_from) as earned_to
    from spans
    cross join costed
),

-- Days with costs, and the days of the same month without.
members as (
    select
        *,
        amount as whole,
        true as is_earned,
        earned_to - earned_from as weight
    from clipped
    union all
    select
        *,
        amount,
        false,
        (month_to - month_from) - (earned_to - earned_from)
    from clipped
),

weighted as (
    select
        * exclude (whole),
        revenue_to - revenue_from as total_weight
    from members
),

shares as (
    {{ exact_shares('weighted', 'revenue_id', 'month_start, is_earned') }}
),

{{ margin_plans() }},

-- Revenue that names no plan is of the one that the customer has on its first day.
earned as (
    select
        shares.revenue_id,
        strftime(shares.month_start, '%Y-%m') as charge_month,
        shares.customer_id,
        shares.product,
        coalesce(shares.plan, if(shares.earned_from < plans.plan_to, plans.plan, null)) as plan,
        shares.currency,
        shares.earned_from,
        shares.earned_to,
        shares.share as revenue
    from shares
    asof left join plans on shares.customer_id = plans.customer_id and shares.earned_from >= plans.plan_from
    where shares.is_earned and shares.weight > 0
),

months as (
    select distinct charge_month, currency
    from earned
),

{{ margin_rates() }}

select
    earned.*,
    rates.reporting_currency,
    (earned.revenue * rates.rate)::decimal(38, 21) as reporting_revenue
from earned
inner join margin_rates as rates on earned.charge_month = rates.charge_month and earned.currency = rates.currency
