{# Money is shared in whole nano-units of the currency; what is finer goes with the remainder. #}

{# |amount| in nano-units, a bigint, half up: amounts up to 9.2 billion units. A double gives all but
   the last digits, and what it misses is exact again; a cast to fewer decimals takes twenty times as
   long. #}
{% macro nano(amount) -%}
    {%- set nearly -%} cast(cast(abs({{ amount }}) as double) * 1e9 as bigint) {%- endset -%}
    ({{ nearly }} + cast(floor(
        (round(cast(abs({{ amount }}) - {{ from_nano(nearly) }} as double) * 1e12) + 500) / 1000
    ) as bigint))
{%- endmacro %}

{# An amount of 12 decimals with fewer, half up. A cast does it, and of 38 digits takes fifty times as long as
   of 18. #}
{% macro rounded(amount, type) -%}
    coalesce(cast(try_cast({{ amount }} as decimal(18, 12)) as {{ type }}), cast({{ amount }} as {{ type }}))
{%- endmacro %}

{% macro from_nano(units) -%}
    cast(cast({{ units }} as decimal(19, 0)) * 0.000000001::decimal(10, 9) as decimal(38, 12))
{%- endmacro %}

{# The share of `units` nano-units that `weight` of `total_weight` earns, rounded down. Division
   comes first, so that no product can overflow; the sum of the shares is then completed by the
   remainder, which goes to the heaviest member. #}
{% macro floor_share(units, weight, total_weight) -%}
    cast(floor({{ units }} * ({{ weight }} / cast({{ total_weight }} as double))) as bigint)
{%- endmacro %}

{# The amount that each weight earns of its group's amount: exact, sign kept. The first argument
   names a relation with the columns amount, weight (whole, not negative), total_weight, and the
   given key columns; groups are told apart by `group_key`, members by `member_key`.
   Adds the column `share`. total_weight must be at least the sum of the weights: what is not
   earned stays with the caller as amount − Σ share. Where the weights are all of the total, the
   remainder of the rounding goes to the heaviest member, ties to the smaller key. #}
{% macro exact_shares(relation, group_key, member_key) -%}
    select
        * exclude (_units, _earned, _sum_of_weights, _sum_earned, _heaviest),
        case
            when _sum_of_weights >= total_weight and _heaviest = 1
                then amount - sign(amount)::decimal(2, 0) * {{ from_nano('_sum_earned - _earned') }}
            else sign(amount)::decimal(2, 0) * {{ from_nano('_earned') }}
        end::decimal(38, 12) as share
    from (
        select
            *,
            sum(weight) over (partition by {{ group_key }}) as _sum_of_weights,
            sum(_earned) over (partition by {{ group_key }}) as _sum_earned,
            row_number() over (partition by {{ group_key }} order by weight desc, {{ member_key }}) as _heaviest
        from (
            select
                *,
                {{ nano('amount') }} as _units,
                {{ floor_share('_units', 'weight', 'total_weight') }} as _earned
            from {{ relation }}
            where total_weight > 0
        )
    )
{%- endmacro %}
