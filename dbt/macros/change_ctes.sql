{# CTEs of the periods: `dates` gives each date its periods, `pairs` has each period that has costs, in a
   currency, together with the period right before it, and the number of days with costs in both. #}
{% macro change_periods() -%}
dates as (
    select *
    from (
        {{ change_dates(
            '(select distinct charge_date from ' ~ ref('cost_parts_daily') ~ " where entity = 'all') as days"
        ) }}
    ) as all_dates
    where {{ is_of_pairs(change_pair()) }} or {{ is_of_pairs(change_pair('next_start')) }}
),

days as (
    select
        dates.period_kind,
        dates.period_start,
        dates.next_start,
        parts.billing_currency,
        count(distinct parts.charge_date)::double as days
    from {{ ref('cost_parts_daily') }} as parts
    inner join dates on parts.charge_date = dates.charge_date
    where parts.entity = 'all'
    group by all
),

pairs as (
    select
        days.period_kind,
        days.period_start,
        days.next_start,
        before.period_start as previous_start,
        days.billing_currency,
        before.days as days_before,
        days.days as days_after
    from days
    inner join days as before
        on
            days.period_kind = before.period_kind
            and days.period_start = before.next_start
            and days.billing_currency = before.billing_currency
    where {{ is_of_pairs(change_pair('days.period_start', 'days.period_kind')) }}
)
{%- endmacro %}

{# CTE `pool_logs`: how the price of a GPU hour changed, as logarithms that add up to its change:
   price (of the same shape), shape, purchase option, commitment. #}
{% macro change_pool_logs() -%}
shapes as (
    select
        pairs.period_kind,
        pairs.period_start,
        pairs.billing_currency,
        rates.pool,
        rates.shape
        {%- for side, start in [('before', 'previous_start'), ('after', 'period_start')] %}
        {%- for measure in ['gpu_nanoseconds', 'on_demand_cost_estimate', 'uncommitted_cost', 'effective_cost'] %},
        sum(rates.{{ measure }}) filter (where dates.period_start = pairs.{{ start }}) as {{ measure }}_{{ side }}
        {%- endfor %}
        {%- endfor %}
    from {{ ref('capacity_rates_daily') }} as rates
    inner join dates on rates.charge_date = dates.charge_date
    inner join pairs
        on
            dates.period_kind = pairs.period_kind
            and dates.period_start in (pairs.period_start, pairs.previous_start)
            and rates.billing_currency = pairs.billing_currency
    group by all
),

pool_rates as (
    select
        period_kind,
        period_start,
        billing_currency,
        pool
        {%- for side in ['before', 'after'] %},
        sum(gpu_nanoseconds_{{ side }})::double as all_nanoseconds_{{ side }},
        sum(on_demand_cost_estimate_{{ side }})::double / nullif(all_nanoseconds_{{ side }}, 0) as on_demand_{{ side }},
        sum(uncommitted_cost_{{ side }})::double / nullif(sum(on_demand_cost_estimate_{{ side }})::double, 0)
            as option_{{ side }},
        sum(effective_cost_{{ side }})::double / nullif(sum(uncommitted_cost_{{ side }})::double, 0)
            as commitment_{{ side }},
        sum(effective_cost_{{ side }})::double / nullif(all_nanoseconds_{{ side }}, 0) as rate_{{ side }}
        {%- endfor %}
    from shapes
    group by all
),

-- The price of the shapes that are in both periods; what is left is that other shapes are used.
pool_prices as (
    select
        shapes.period_kind,
        shapes.period_start,
        shapes.billing_currency,
        shapes.pool,
        {%- set after = 'shapes.on_demand_cost_estimate_after::double / pool_rates.all_nanoseconds_after' %}
        {%- set before = 'shapes.on_demand_cost_estimate_before::double / pool_rates.all_nanoseconds_before' %}
        sum(
            {{ change_log_mean('(' ~ after ~ ')', '(' ~ before ~ ')') }}
            / {{ change_log_mean('pool_rates.on_demand_after', 'pool_rates.on_demand_before') }}
            * ln(
                (shapes.on_demand_cost_estimate_after::double / shapes.gpu_nanoseconds_after::double)
                / (shapes.on_demand_cost_estimate_before::double / shapes.gpu_nanoseconds_before::double)
            )
            order by shapes.shape
        ) as price_log
    from shapes
    inner join pool_rates using (period_kind, period_start, billing_currency, pool)
    where
        shapes.on_demand_cost_estimate_after > 0 and shapes.on_demand_cost_estimate_before > 0
        and shapes.gpu_nanoseconds_after > 0 and shapes.gpu_nanoseconds_before > 0
    group by all
),

pool_logs as (
    select
        pool_rates.*,
        {{ change_log('rate_after', 'rate_before') }} as rate_log,
        coalesce(pool_prices.price_log, 0) as price_log,
        {{ change_log('on_demand_after', 'on_demand_before') }} - coalesce(pool_prices.price_log, 0) as shape_log,
        {{ change_log('option_after', 'option_before') }} as option_log,
        {{ change_log('commitment_after', 'commitment_before') }} as commitment_log
    from pool_rates
    left join pool_prices using (period_kind, period_start, billing_currency, pool)
)
{%- endmacro %}

{# CTE `token_logs`: how the price of a token of all APIs changed for a value, as logarithms that add up to
   its change: price (of the same model, tier and kind of token), mix of kinds of token, mix of models. #}
{% macro change_token_logs() -%}
meters as (
    select
        items.*,
        parts.cost_before::double / parts.tokens_before::double as rate_before,
        parts.cost_after::double / parts.tokens_after::double as rate_after,
        items.item_cost_before::double / parts.tokens_before::double as item_rate_before,
        items.item_cost_after::double / parts.tokens_after::double as item_rate_after,
        items.item_tokens_before::double / parts.tokens_before::double as share_before,
        items.item_tokens_after::double / parts.tokens_after::double as share_after,
        (sum(items.item_tokens_before) over same_model)::double / parts.tokens_before::double as model_before,
        (sum(items.item_tokens_after) over same_model)::double / parts.tokens_after::double as model_after,
        items.item_cost_before > 0 and items.item_cost_after > 0
        and items.item_tokens_before > 0 and items.item_tokens_after > 0 as is_in_both
    from items
    inner join parts using ({{ change_part_key() | join(', ') }})
    where
        items.kind = 'tokens' and items.meter <> ''
        and parts.cost_before > 0 and parts.cost_after > 0
        and parts.tokens_before > 0 and parts.tokens_after > 0
    window same_model as (partition by {% for column in change_part_key() %}items.{{ column }}, {% endfor %}items.model)
),

token_logs as (
    select
        {{ change_part_key() | join(', ') }},
        sum(if(is_in_both, weight * (ln(item_rate_after / share_after) - ln(item_rate_before / share_before)), 0)
            order by model, meter) as price_log,
        sum(
            case
                when is_in_both then weight * ln(model_after / model_before)
                when model_after > 0 and model_before > 0 then 0
                else moved
            end
            order by model, meter
        ) as model_log,
        sum(
            case
                when is_in_both then weight * ln((share_after / model_after) / (share_before / model_before))
                when model_after > 0 and model_before > 0 then moved
                else 0
            end
            order by model, meter
        ) as meter_log
    from (
        select
            *,
            {{ change_log_mean('rate_after', 'rate_before') }} as mean_rate,
            if(is_in_both, {{ change_log_mean('item_rate_after', 'item_rate_before') }}, 0) / mean_rate as weight,
            (item_rate_after - item_rate_before) / mean_rate as moved
        from meters
    ) as weighted
    group by all
)
{%- endmacro %}

{# CTE `quantity_logs`: of what the bill counts, how much was used and its price, as logarithms; what is
   new, or is gone, or is not counted is not in them. #}
{% macro change_quantity_logs() -%}
quantity_logs as (
    select
        {{ change_part_key() | join(', ') }},
        sum(weight * ln(quantity_after::double / quantity_before::double) order by meter) as quantity_log,
        sum(
            weight * (
                ln(item_cost_after::double / item_cost_before::double)
                - ln(quantity_after::double / quantity_before::double)
            )
            order by meter
        ) as price_log
    from (
        select
            items.*,
            {{ change_log_mean('items.item_cost_after::double', 'items.item_cost_before::double') }}
            / {{ change_log_mean('parts.cost_after::double', 'parts.cost_before::double') }} as weight
        from items
        inner join parts on {{ change_same('items', 'parts', change_part_key()) }}
        where
            items.kind in ('service', 'unmatched')
            and parts.cost_before > 0 and parts.cost_after > 0
            and items.item_cost_before > 0 and items.item_cost_after > 0
            and items.quantity_before > 0 and items.quantity_after > 0
    ) as counted
    group by all
)
{%- endmacro %}

{# What tells a part of a value's change apart. #}
{% macro change_part_key() -%}
    {{ return(['period_kind', 'period_start', 'billing_currency', 'entity', 'value', 'kind', 'part']) }}
{%- endmacro %}
