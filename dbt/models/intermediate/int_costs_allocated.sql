-- The ledger: every cent of effective cost, by who caused it. What is direct or unmatched stands as
-- attributed; idle, scaling, shared and overhead cost are gathered into cost pools and shared once,
-- simultaneously, never on each other, by the positive direct and unmatched cost of their scope.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(materialized='daily_parquet') }}
{%- set entity_list = entities() | join(', ') %}
with attributed as (
    select *
    from {{ ref('int_costs_attributed') }}
    where charge_date = {{ charge_date() }}
),

-- Credits and refunds are pooled apart from charges: |amount| is shared, and the sign put back.
cost_pools as (
    select
        {{ cost_pool_id() }} as charge_group_id,
        any_value(source) as source,
        any_value(billing_period) as billing_period,
        any_value(billing_currency) as billing_currency,
        any_value(charge_category) as charge_category,
        any_value(component) as component,
        any_value(scope) as scope,
        any_value(scope_key) as scope_key,
        any_value(rule_id) as rule_id,
        any_value(rule_version) as rule_version,
        sum(effective_cost)::decimal(38, 12) as amount
    from attributed
    where scope is not null
    group by 1
),

causes as (
    select
        source,
        billing_period,
        billing_currency,
        pool,
        component,
        {{ entity_list }},
        sum({{ nano('effective_cost') }})::bigint as weight
    from attributed
    where
        component in ('direct', 'unmatched')
        and effective_cost > 0
        and charge_category not in ('Tax', 'Credit')
        and not is_correction
    group by all
),

requests as (
    select
        {{ entity_list }},
        count(*) as attempts,
        sum(
            {% for token_type in token_types() -%}
            coalesce({{ token_type }}_tokens, 0){{ ' + ' if not loop.last }}
            {%- endfor %}
        )::bigint as tokens
    from {{ ref('attempt_costs') }}
    where charge_date = {{ charge_date() }} and is_ended and status <> 'rejected'
    group by all
),

drivers as (
    select 'attempts' as driver, null as billing_currency, {{ entity_list }}, attempts as weight from requests
    union all
    select 'tokens', null, {{ entity_list }}, tokens from requests
    union all
    select 'direct_cost', billing_currency, {{ entity_list }}, weight from causes where component = 'direct'
),

members as (
    select
        cost_pools.*,
        {% for entity in entities() %}causes.{{ entity }}, {% endfor %}
        causes.weight,
        'Nanounits of cost' as weight_unit
    from cost_pools
    inner join causes
        on
            cost_pools.billing_currency = causes.billing_currency
            and case cost_pools.scope
                when 'pool' then causes.pool = cost_pools.scope_key
                when 'invoice'
                    then causes.source = cost_pools.source and causes.billing_period = cost_pools.billing_period
                when 'account' then causes.source = cost_pools.source
                else false
            end
    union all
    select
        cost_pools.*,
        {% for entity in entities() %}drivers.{{ entity }}, {% endfor %}
        drivers.weight,
        coalesce(rules.driver, 'direct_cost')
    from cost_pools
    inner join {{ ref('stg_lake__rules') }} as rules on cost_pools.scope_key = rules.rule_hash
    inner join drivers
        on
            drivers.driver = coalesce(rules.driver, 'direct_cost')
            and coalesce(drivers.billing_currency = cost_pools.billing_currency, true)
            {%- for entity in entities() %}
            and coalesce(drivers.{{ entity }} glob rules.users_{{ entity }}, true)
            {%- endfor %}
    where cost_pools.scope = 'users'
),

weighted as (
    select
        charge_group_id,
        any_value(source) as source,
        any_value(billing_period) as billing_period,
        any_value(billing_currency) as billing_currency,
        any_value(charge_category) as charge_category,
        any_value(component) as component,
        any_value(scope) as scope,
        any_value(rule_id) as rule_id,
        any_value(rule_version) as rule_version,
        any_value(amount) as amount,
        any_value(weight_unit) as weight_unit,
        {{ entity_list }},
        sum(weight)::bigint as weight,
        sum(sum(weight)) over (partition by charge_group_id)::bigint as total_weight
    from members
    group by charge_group_id, {{ entity_list }}
),

shares as (
    {{ exact_shares('weighted', 'charge_group_id', entity_list) }}
),

ledger as (
    select
        charge_date, charge_group_id, source, billing_period, billing_currency, charge_category, component,
        {{ entity_list }},
        sum(effective_cost)::decimal(38, 12) as effective_cost,
        sum(weight)::decimal(38, 0) as weight,
        max(total_weight)::decimal(38, 0) as total_weight,
        weight_unit, allocated_method_id, rule_id, rule_version
    from attributed
    where scope is null
    group by all
    union all
    select
        {{ charge_date() }}, charge_group_id, source, billing_period, billing_currency, charge_category, component,
        {{ entity_list }},
        share,
        weight::decimal(38, 0),
        total_weight::decimal(38, 0),
        weight_unit,
        if(scope = 'users', 'driver', scope || '-cost'),
        rule_id,
        rule_version
    from shares
    where share <> 0
    union all
    -- Nobody in its scope caused anything: it stays where it is, stranded.
    select
        {{ charge_date() }}, charge_group_id, source, billing_period, billing_currency, charge_category, component,
        {% for entity in entities() %}'(none)', {% endfor %}
        amount, null, null, null, 'stranded', rule_id, rule_version
    from cost_pools
    where charge_group_id not in (select shares.charge_group_id from shares) and amount <> 0
)

select
    *,
    case when total_weight > 0 then cast(json_object('Elements', [json_object(
        'AllocatedRatio', round(weight / total_weight, 12), 'UsageUnit', weight_unit, 'UsageQuantity', weight
    )]) as varchar) end as allocated_method_details
from ledger
