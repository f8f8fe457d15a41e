-- One row a day, kind of charge (tokens, capacity; NULL: nobody bills it), token line, currency and
-- entities: what its attempts cost together, with what is needed to tell how sure their sums are. GPU time
-- that was busy or unknown with nobody's request that we know is there as 'unmatched capacity'.
-- Squares are of 10^-9 of the currency.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(materialized='daily_parquet', meta={'is_of_days': true, 'day_hash': 'attempts_hash'}) }}
with attempts as (
    select
        *,
        case when token_line_id is not null then 'tokens' when capacity_cost is not null then 'capacity' end as kind,
        {{ nano('direct_cost') }} as units
    from {{ ref('attempt_costs') }}
    where {{ is_of_days('charge_date') }} and (is_ended or direct_cost is not null)
)

select
    charge_date,
    kind,
    token_line_id,
    billing_currency,
    {{ entities() | join(', ') }},
    count(*) filter (where is_ended and status not in ('rejected', 'cached')) as attempts,
    sum(direct_cost)::decimal(38, 12) as direct_cost,
    {% for token_type in token_types() -%}
    coalesce(sum({{ token_type }}_tokens) filter (where is_ended and status <> 'rejected'), 0)::bigint
        as {{ token_type }}_tokens,
    sum({{ token_type }}_cost)::decimal(38, 12) as {{ token_type }}_cost,
    {% endfor -%}
    coalesce(sum(units::hugeint * units), 0)::hugeint as squares,
    coalesce(sum(cast((sample_weight - 1) * 1000 as bigint)::hugeint * units), 0)::hugeint as sampled_out,
    coalesce(sum(
        cast(sample_weight * (sample_weight - 1) as bigint)::hugeint * units * units
    ), 0)::hugeint as sampled_squares
from attempts
group by all
union all by name
select
    shares.charge_date,
    'unmatched capacity' as kind,
    charge_groups.billing_currency,
    sum(shares.effective_cost)::decimal(38, 12) as direct_cost
from {{ ref('int_capacity_shares') }} as shares
inner join {{ ref('int_charge_groups') }} as charge_groups on shares.charge_group_id = charge_groups.charge_group_id
where
    {{ is_of_days('shares.charge_date') }}
    and shares.attempt_id is null
    and shares.state in ('unknown', 'busy')
group by shares.charge_date, charge_groups.billing_currency
