{# How sure the direct cost of each value of each entity is, in one grain (a day or a month).

   Seen is what attempts were seen to cause. What was lost is looked for model by model and currency by
   currency, token lines apart from GPU time (a stratum):
   * Counters that say whose tokens they counted tell each value's own missing tokens, which are priced
     at most at the dearest price that the bill has for them; GPU time as int_capacity_missing says.
   * What is missing beyond that (all, without such counters) can be anybody's of the stratum. Were attempts
     lost whoever's they are, those of a value that was seen to cost S are at most X - S, where
     S = X q - z sqrt(X p q u): p is the lost part, q = 1 - p, and u the size of an attempt.
   * Who ran on a GPU beside missing requests may have paid for them, where ghosts took less of it than
     they: at most what int_capacity_missing says, or by chance, less what is surely missing of its own.
   Doubles only for what is added to the exact sums; each is rounded to 9 decimals. #}
{% macro cost_bounds(grain, where='true') -%}
{%- set z = '3.1' -%}
{%- set families = {
    'uncached': ['uncached_input', 'audio_input'], 'cache_read': ['cache_read'],
    'cache_write': ['cache_write_5m', 'cache_write_1h'], 'output': ['output', 'audio_output']
} -%}
sums as (
    {% for entity in entities() -%}
    select
        {{ grain }} as grain,
        '{{ entity }}' as entity,
        {{ entity }} as value,
        model,
        kind,
        billing_currency,
        sum(direct_cost) as seen_cost,
        {% for family, token_types in families.items() -%}
        sum({% for type in token_types %}{{ type }}_tokens{{ ' + ' if not loop.last }}{% endfor %}) as {{ family }},
        sum({% for type in token_types %}coalesce({{ type }}_cost, 0){{ ' + ' if not loop.last }}{% endfor %})
            as {{ family }}_cost,
        {% endfor -%}
        sum(squares) as squares,
        sum(sampled_out) as sampled_out,
        sum(sampled_squares) as sampled_squares
    from {{ ref('int_attempt_sums') }}
    where {{ where }} and kind in ('tokens', 'capacity')
    group by all
    {{ 'union all' if not loop.last }}
    {% endfor -%}
),

-- Whoever they are for, whoever bills them: what counters of a value's tokens are compared with.
traced as (
    select
        grain,
        entity,
        value,
        model,
        sum(uncached + cache_read + cache_write) as input,
        sum(cache_read) as cache_read,
        sum(cache_write) as cache_write,
        sum(output) as output
    from sums
    group by grain, entity, value, model
),

counts as (
    select
        {{ grain }} as grain,
        entity,
        value,
        model,
        sum(input_tokens) as input,
        sum(cache_read_tokens) as cache_read,
        sum(cache_write_tokens) as cache_write,
        sum(output_tokens) as output
    from {{ ref('int_entity_counts') }}
    where {{ where }}
    group by all
),

missing as (
    select
        *,
        greatest(missing_input - missing_cache_read - missing_cache_write, 0)::double as missing_uncached
    from (
        select
            counts.grain,
            counts.entity,
            counts.value,
            counts.model,
            greatest(counts.input - coalesce(traced.input, 0), 0)::double as missing_input
            {%- for family in ['cache_read', 'cache_write', 'output'] %},
            greatest(counts.{{ family }} - coalesce(traced.{{ family }}, 0), 0)::double as missing_{{ family }}
            {%- endfor %}
        from counts
        left join traced
            on
                counts.grain = traced.grain and counts.entity = traced.entity
                and counts.value = traced.value and counts.model = traced.model
        where counts.entity <> 'engine'
    ) as differences
),

gpu_time as (
    select
        {{ grain }} as grain,
        entity,
        value,
        model,
        billing_currency,
        sum(expected)::double / 1e9 as expected,
        {%- set chance = z ~ ' * sqrt(sum(shared_variance)::double)' %}
        -- What it paid too little, and too much, beside requests that are missing.
        (
            sum(most)::double + {{ z }} * sqrt(sum(variance)::double)
            + least(sum(regained)::double, greatest((sum(regained) - sum(likely_shared))::double + {{ chance }}, 0))
        ) / 1e9 as most,
        (
            greatest(sum(ceiling)::double, sum(most)::double + {{ z }} * sqrt(sum(variance)::double))
            + sum(regained)::double
        ) / 1e9 as ceiling,
        -- What is surely missing of its own makes up for it.
        greatest(
            least(
                (sum(shared) - sum(regained))::double,
                (sum(likely_shared) - sum(regained))::double + {{ chance }}
            ) - greatest(sum(unseen)::double - {{ z }} * sqrt(sum(variance)::double), 0),
            0
        ) / 1e9 as overpaid
    from {{ ref('int_capacity_missing') }}
    where {{ where }}
    group by all
),

lines as (
    select
        {{ grain }} as grain,
        model,
        billing_currency,
        sum(
            {% for type in token_types() %}coalesce({{ type }}_amount, 0) + {% endfor %}coalesce(joint_amount, 0)
        ) as billed
        {%- for family, token_types in families.items() %},
        {%- set prices = [] -%}
        {%- for type in token_types -%}
        {%- do prices.append('coalesce(' ~ type ~ '_amount / nullif(' ~ type ~ '_quantity, 0)::double, 0)') -%}
        {%- endfor %}
        nullif(max(greatest({{ prices | join(', ') }}, 0)), 0) as {{ family }}_price
        {%- endfor %}
    from {{ ref('int_token_lines') }}
    where {{ where }}
    group by all
),

-- Each stratum of each kind of entity.
strata as (
    select
        sums.grain,
        sums.entity,
        sums.model,
        sums.kind,
        sums.billing_currency,
        sum(sums.seen_cost)::double as seen,
        coalesce(sum(sums.seen_cost) filter (where sums.value = '(none)'), 0)::double as seen_of_none,
        coalesce(sum(sums.squares)::double / 1e9 / nullif(sum(sums.seen_cost), 0)::double / 1e9, 0) as size,
        bool_or(sums.sampled_out > 0) as is_sampled
        {%- for family in families %},
        sum(sums.{{ family }}_cost)::double / nullif(sum(sums.{{ family }}), 0)::double as {{ family }}_price
        {%- endfor %}
    from sums
    group by sums.grain, sums.entity, sums.model, sums.kind, sums.billing_currency
    union all
    -- A line of which nothing was traced.
    select
        lines.grain, kinds.entity, lines.model, 'tokens', lines.billing_currency,
        0, 0, 0, false, null, null, null, null
    from lines
    cross join (select unnest(['{{ entities() | join("', '") }}']) as entity) as kinds
    where not exists (
        select 1 from sums
        where
            sums.grain = lines.grain and sums.model = lines.model and sums.kind = 'tokens'
            and sums.billing_currency = lines.billing_currency
    )
),

labelled as (
    select distinct grain, entity, model from missing
),

unmatched_capacity as (
    select
        {{ grain }} as grain,
        billing_currency,
        sum(direct_cost)::double as cost
    from {{ ref('int_attempt_sums') }}
    where {{ where }} and kind = 'unmatched capacity'
    group by all
),

own as (
    select
        strata.grain,
        strata.entity,
        strata.model,
        strata.kind,
        strata.billing_currency,
        missing.value,
        {% for family in families -%}
        missing.missing_{{ family }} * coalesce(lines.{{ family }}_price, strata.{{ family }}_price, 0)
        {{ '+' if not loop.last }}
        {% endfor -%} as most,
        {% for family in families -%}
        missing.missing_{{ family }} * coalesce(strata.{{ family }}_price, lines.{{ family }}_price, 0)
        {{ '+' if not loop.last }}
        {% endfor -%} as expected,
        most as ceiling,
        0 as overpaid
    from strata
    inner join missing
        on strata.grain = missing.grain and strata.entity = missing.entity and strata.model = missing.model
    left join lines
        on
            strata.grain = lines.grain and strata.model = lines.model
            and strata.billing_currency = lines.billing_currency
    where strata.kind = 'tokens'
    union all
    select
        grain,
        entity,
        model,
        'capacity',
        billing_currency,
        value,
        most,
        expected,
        ceiling,
        overpaid
    from gpu_time
    where entity <> 'engine'
),

owned as (
    select
        grain, entity, model, kind, billing_currency,
        sum(expected order by value) as expected
    from own
    group by all
),

-- What can be anybody's of a stratum.
pots as (
    select
        strata.*,
        labelled.grain is not null as is_labelled,
        strata.seen - if(labelled.grain is null, strata.seen_of_none, 0) as seen_by_name,
        -- What arithmetic leaves over is nothing lost.
        round(case
            when strata.kind = 'tokens'
                then greatest(lines.billed::double - strata.seen - coalesce(owned.expected, 0), 0)
            when engines.grain is not null
                then greatest(engines.expected - coalesce(owned.expected, 0), 0)
            when labelled.grain is not null then 0
            else
                coalesce(unmatched_capacity.cost, 0) * strata.seen
                / nullif(sum(strata.seen) filter (where strata.kind = 'capacity') over (
                    partition by strata.grain, strata.entity, strata.billing_currency
                ), 0)
        end + if(labelled.grain is null and strata.entity <> 'model', strata.seen_of_none, 0), 9) as pot
    from strata
    left join labelled
        on strata.grain = labelled.grain and strata.entity = labelled.entity and strata.model = labelled.model
    left join lines
        on
            strata.kind = 'tokens' and strata.grain = lines.grain and strata.model = lines.model
            and strata.billing_currency = lines.billing_currency
    left join gpu_time as engines
        on
            strata.kind = 'capacity' and engines.entity = 'engine' and strata.grain = engines.grain
            and strata.model = engines.model and strata.billing_currency = engines.billing_currency
    left join owned
        on
            strata.grain = owned.grain and strata.entity = owned.entity and strata.model = owned.model
            and strata.kind = owned.kind and strata.billing_currency = owned.billing_currency
    left join unmatched_capacity
        on strata.grain = unmatched_capacity.grain and strata.billing_currency = unmatched_capacity.billing_currency
),

members as (
    select
        pots.*,
        named.value,
        coalesce(sums.seen_cost, 0) as seen_cost,
        coalesce(sums.seen_cost, 0)::double as seen_of_value,
        coalesce(own.most, 0) as own_most,
        coalesce(own.ceiling, 0) as own_ceiling,
        coalesce(own.expected, 0) as own_expected,
        coalesce(own.overpaid, 0) as overpaid,
        coalesce(sums.sampled_out, 0)::double / 1e12 as sampled_out,
        sqrt(coalesce(sums.sampled_squares, 0)::double) / 1e9 as sampled_deviation,
        pots.pot / nullif(pots.pot + pots.seen_by_name, 0) as p
    from pots
    -- Also a value that was not seen in the stratum can have been there.
    inner join (select distinct grain, entity, billing_currency, value from sums) as named
        on
            pots.grain = named.grain and pots.entity = named.entity
            and pots.billing_currency = named.billing_currency
    left join sums
        on
            pots.grain = sums.grain and pots.entity = sums.entity and pots.model = sums.model
            and pots.kind = sums.kind and pots.billing_currency = sums.billing_currency
            and named.value = sums.value
    left join own
        on
            pots.grain = own.grain and pots.entity = own.entity and pots.model = own.model
            and pots.kind = own.kind and pots.billing_currency = own.billing_currency
            and named.value = own.value
    where pots.entity <> 'model' or named.value = pots.model
),

expected as (
    select
        *,
        -- A missing label may be anybody's, and what ran beside a missing request may have paid for it.
        least(
            if(
                value = '(none)',
                sum(own_most) over (
                    partition by grain, entity, billing_currency, model, kind order by value
                    rows between unbounded preceding and unbounded following
                ) - own_most,
                0
            ) + overpaid,
            greatest(seen_of_value, 0)
        ) as not_its_own,
        case
            when pot = 0 then 0
            when entity = 'model' or seen_by_name <= 0 then pot
            when value = '(none)' and not is_labelled then greatest(pot - seen_of_none, 0)
            when is_sampled then least(sampled_out, pot)
            else least(seen_of_value * pot / seen_by_name, pot)
        end as anybodys,
        case
            when pot = 0 then 0
            when entity = 'model' or seen_by_name <= 0 then pot
            when value = '(none)' and not is_labelled then greatest(pot - seen_of_none, 0)
            when is_sampled then least(sampled_out + {{ z }} * sampled_deviation, pot)
            else least(
                power((
                    {{ z }} * sqrt(p * (1 - p) * size)
                    + sqrt(power({{ z }}, 2) * p * (1 - p) * size + 4 * (1 - p) * seen_of_value)
                ) / (2 * (1 - p)), 2) - seen_of_value,
                pot
            )
        end as anybodys_most
    from members
),
{%- set money = 'round(%s, 9)::decimal(38, 12)' %}

bounded as (
    select
        grain,
        billing_currency,
        entity,
        value,
        is_counted,
        seen_cost,
        {{ money % 'missing' }} as missing_cost,
        {{ money % ('deviation / ' ~ z) }} as sampling_error,
        -- What names nobody may have been somebody's.
        if(
            value = '(none)' and not is_counted, 0, seen_cost - {{ money % 'not_its_own' }}
        )::decimal(38, 12) as lower_cost,
        (seen_cost + {{ money % 'surely + deviation' }})::decimal(38, 12) as upper_cost,
        (seen_cost + {{ money % 'possible' }})::decimal(38, 12) as possible_cost
    from (
        select
            grain,
            billing_currency,
            entity,
            value,
            bool_and(is_labelled) as is_counted,
            sum(seen_cost)::decimal(38, 12) as seen_cost,
            sum(own_expected + anybodys order by model, kind) as missing,
            sum(own_most + anybodys order by model, kind) as surely,
            sqrt(sum(power(greatest(anybodys_most - anybodys, 0), 2) order by model, kind)) as deviation,
            sum(own_ceiling + pot order by model, kind) as possible,
            sum(not_its_own order by model, kind) as not_its_own
        from expected
        group by grain, billing_currency, entity, value
    ) as together
)
{%- endmacro %}

{# The columns of a mart of bounds, after its grain. #}
{% macro bounded_columns() -%}
    billing_currency,
    entity,
    value,
    seen_cost,
    missing_cost,
    sampling_error,
    lower_cost,
    upper_cost,
    possible_cost,
    (seen_cost::double / nullif(seen_cost + missing_cost, 0)::double)::decimal(9, 6) as coverage,
    is_counted
{%- endmacro %}
