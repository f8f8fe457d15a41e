{# cost ÷ count to 12 decimals, half up, in whole numbers; NULL where either side is missing or the count is 0.
   DuckDB casts decimals of up to 18 digits, and doubles, in a fiftieth of the time that it takes for 38: a
   cost below 1000 goes through them. Its 10^-12 are fewer than 2^50, which a double's two roundings miss by
   less than half of one. #}
{% macro unit_cost(cost, count) -%}
    {%- set few = 'cast(round(cast(cast(abs(' ~ cost ~ ') as decimal(18, 12)) as double) * 1e12) as bigint)' -%}
    {%- set any = 'cast(cast(abs(' ~ cost ~ ') as decimal(25, 12)) * 1000000000000::decimal(13, 0) as hugeint)' -%}
    case
        when {{ count }} > 0 and abs({{ cost }}) < 1000 then {{ unit_of(cost, few, count, 'decimal(19, 0)') }}
        when {{ count }} > 0 then {{ unit_of(cost, any, count, 'decimal(25, 0)') }}
    end
{%- endmacro %}

{% macro unit_of(cost, picos, count, type) -%}
    cast(
        cast(sign({{ cost }}) * ((2 * {{ picos }} + {{ count }}) // (2 * {{ count }})) as {{ type }})
        * 0.000000000001::decimal(13, 12)
    as decimal(38, 12))
{%- endmacro %}

{% macro is_production() -%}
    environment not in ('{{ var('non_production_environments') | join("', '") }}')
{%- endmacro %}

{# CTEs for unit costs, which divide only what inferences caused by inferences: `costs_caused` is the
   ledger with is_of_inferences, `requests` counts, by currency, the inferences that it billed, of `counts`;
   those that nothing bills count in the currency that most others have.
   A cost is of inferences if the same entities made an attempt on that day: a rule's direct costs are
   not, nor is what was shared with them. The rows of the ledger are those `where`; a month's costs
   can arise on other days than its requests and attempts. #}
{% macro caused_ctes(entity, grain, counts, where, where_made=none) -%}
{{ costs_caused_ctes(where, where_made) }},

inferences as materialized (
    select
        {{ grain }} as grain,
        {{ entity }},
        billing_currency,
        billing_currency as other_currency,
        sum(attempts) as attempts,
        sum(attempts) as inferences,
        {{ is_production() }} as is_in_production
    from {{ counts }}
    where {{ where }} and inference_id is null
    group by all
    union all
    select * exclude (inference_id)
    from (
        select
            {{ grain }} as grain,
            {{ entity }},
            min(billing_currency) as billing_currency,
            max(billing_currency) as other_currency,
            sum(attempts) as attempts,
            1 as inferences,
            bool_or({{ is_production() }}) as is_in_production,
            inference_id
        from {{ counts }}
        where {{ where }} and inference_id is not null
        group by all
    ) as of_several
),

currencies as (
    select
        grain,
        arg_max(billing_currency, (inferences, billing_currency)) as billing_currency
    from (
        select grain, billing_currency, sum(inferences) as inferences
        from inferences
        where billing_currency is not null
        group by grain, billing_currency
        union all
        select distinct {{ grain }}, billing_currency, 0
        from costs_caused
    ) as counted
    group by grain
),

-- A fallback that another currency bills is an inference of both.
requests as (
    select
        grain,
        billing_currency,
        {{ entity }},
        sum(attempts) as attempts,
        sum(inferences)::bigint as inferences,
        coalesce(sum(inferences) filter (where is_in_production), 0)::bigint as production_inferences
    from (
        select
            inferences.* replace (
                coalesce(inferences.billing_currency, currencies.billing_currency) as billing_currency
            )
        from inferences
        left join currencies on inferences.grain = currencies.grain
        union all
        select * replace (other_currency as billing_currency, 0 as attempts)
        from inferences
        where other_currency <> billing_currency
    ) as billed
    group by grain, billing_currency, {{ entity }}
)
{%- endmacro %}

{# The ledger with is_of_inferences, see above. #}
{% macro costs_caused_ctes(where='true', where_made=none) -%}
makers as (
    select distinct
        charge_date,
        {{ entities() | join(', ') }}
    from {{ ref('int_attempt_sums') }}
    where {{ where_made or where }} and kind is distinct from 'unmatched capacity'
),

costs_caused as (
    select
        ledger.*,
        makers.charge_date is not null
        and ledger.component <> 'unmatched'
        and not coalesce(ledger.component = 'direct' and ledger.allocated_method_id = 'rule', false)
            as is_of_inferences
    from (select * from {{ ref('allocated_costs') }} where {{ where }}) as ledger
    left join makers
        on
            ledger.charge_date = makers.charge_date
            {%- for name in entities() %}
            and ledger.{{ name }} = makers.{{ name }}
            {%- endfor %}
)
{%- endmacro %}

{# Bounds of a unit cost: what was not seen may have been dearer, or more requests. #}
{% macro unit_bounds(unit, name) -%}
    ({{ unit }} * (bounds.lower_cost / nullif(bounds.upper_cost, 0)))::decimal(38, 12) as lower_{{ name }},
    ({{ unit }} * (bounds.upper_cost / nullif(bounds.seen_cost, 0)))::decimal(38, 12) as upper_{{ name }}
{%- endmacro %}
