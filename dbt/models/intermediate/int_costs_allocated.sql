-- The ledger: every cent of effective cost, by who caused it. What is direct or unmatched stands as
-- attributed; idle, scaling, shared and overhead cost are gathered into cost pools and shared once,
-- simultaneously, never on each other, by the positive direct and unmatched cost of their scope, or
-- by the driver that a rule names.
-- depends_on: {{ ref('int_day_inputs') }}
{{ config(materialized='daily_parquet', meta={'is_of_days': true, 'day_hash': 'ledger_hash'}) }}
{%- set entity_list = entities() | join(', ') %}
{%- set pool_columns -%}
    charge_group_id, source, billing_period, billing_currency, charge_category, component, rule_id, rule_version, owner
{%- endset %}
with attributed as (
    select
        *,
        case when scope is not null then {{ cost_pool_id() }} end as cost_pool_id
    from {{ ref('int_costs_attributed') }}
    where {{ is_of_days('charge_date') }}
),

-- Credits and refunds are pooled apart from charges: |amount| is shared, and the sign put back.
cost_pools as (
    select
        cost_pool_id as charge_group_id,
        any_value(charge_date) as charge_date,
        any_value(source) as source,
        any_value(billing_period) as billing_period,
        any_value(billing_currency) as billing_currency,
        any_value(charge_category) as charge_category,
        any_value(component) as component,
        any_value(scope) as scope,
        any_value(scope_key) as scope_key,
        any_value(rule_id) as rule_id,
        any_value(rule_version) as rule_version,
        any_value(owner) as owner,
        sum(effective_cost)::decimal(38, 12) as amount
    from attributed
    where scope is not null
    group by cost_pool_id
),

-- Weights are in the currency of the bill; on a day on which they could mix, in the reporting one.
causes as (
    select
        attributed.charge_date,
        attributed.source,
        attributed.billing_period,
        attributed.billing_currency,
        attributed.sub_account_id,
        attributed.service_name,
        attributed.pool,
        attributed.component,
        {% for entity in entities() %}attributed.{{ entity }}, {% endfor %}
        any_value(rates.reporting_currency) as reporting_currency,
        sum({{ nano('attributed.effective_cost') }}) as weight,
        sum({{ nano(in_reporting_currency('attributed.effective_cost')) }}) as reporting_weight
    from attributed
    left join {{ ref('int_weight_rates') }} as rates
        on
            attributed.charge_date = rates.charge_date
            and attributed.source = rates.source
            and attributed.billing_period = rates.billing_period
            and attributed.billing_currency = rates.billing_currency
    where
        attributed.component in ('direct', 'unmatched')
        and attributed.effective_cost > 0
        and attributed.charge_category not in ('Tax', 'Credit')
        and not attributed.is_correction
    group by all
),

requests as (
    select
        charge_date,
        {{ entity_list }},
        sum(attempts) as attempts,
        sum(
            {% for token_type in token_types() -%}
            {{ token_type }}_tokens{{ ' + ' if not loop.last }}
            {%- endfor %}
        ) as tokens
    from {{ ref('int_attempt_sums') }}
    where {{ is_of_days('charge_date') }} and kind is distinct from 'unmatched capacity'
    group by all
),

-- A stream's measures as whole numbers: of 10^-12, where they have decimals. One that reaches over
-- midnight counts on each day by its microseconds there.
streamed as (
    select
        days.charge_date,
        drivers.driver,
        drivers.choice,
        drivers.within,
        {%- for entity in entities() %}
        coalesce(measures.{{ entity }}, '(none)') as {{ entity }},
        {%- endfor %}
        cast(replace(cast(greatest(measures.value, 0)::decimal(38, 12) as varchar), '.', '') as hugeint) as units,
        epoch_us(measures.measured_to) - epoch_us(measures.measured_from) as microseconds,
        epoch_us(least(measures.measured_to, days.charge_date + interval 1 day))
        - epoch_us(greatest(measures.measured_from, days.charge_date::timestamp)) as microseconds_of_day
    from {{ ref('stg_lake__allocation_drivers') }} as measures
    inner join (select distinct charge_date from attributed) as days
        on
            measures.measured_from < days.charge_date + interval 1 day
            and (measures.measured_to > days.charge_date or measures.measured_from >= days.charge_date)
    inner join {{ ref('stg_lake__drivers') }} as drivers
        on
            measures.driver = drivers.stream
            and len(list_filter(
                coalesce(drivers.filters, []),
                lambda item: not coalesce({{ tag_value('measures.filter', 'item.key') }}, '') glob item.value
            )) = 0
),

streams as (
    select
        charge_date,
        driver,
        choice,
        within,
        {{ entity_list }},
        sum(if(microseconds_of_day = microseconds, units, units * microseconds_of_day // microseconds)) as weight
    from streamed
    group by charge_date, driver, choice, within, {{ entity_list }}
),

-- What a stream says of a feature, say, is shared by the requests of that feature, where its driver asks for it.
within_streams as (
    select
        *,
        row_number() over (
            partition by charge_date, driver, choice{% for entity in entities() %}, of_{{ entity }}{% endfor %}
            order by earned desc, {{ entity_list }}
        ) as place,
        sum(earned) over (
            partition by charge_date, driver, choice{% for entity in entities() %}, of_{{ entity }}{% endfor %}
        ) as all_earned
    from (
        select
            streams.charge_date,
            streams.driver,
            streams.choice,
            streams.weight,
            {% for entity in entities() -%}
            streams.{{ entity }} as of_{{ entity }},
            coalesce(requests.{{ entity }}, streams.{{ entity }}) as {{ entity }},
            {% endfor -%}
            if(streams.within = 'tokens', requests.tokens, requests.attempts) as part,
            sum(part) over (
                partition by
                    streams.charge_date, streams.driver, streams.choice
                    {%- for entity in entities() %}, of_{{ entity }}{% endfor %}
            ) as whole,
            coalesce(cast(floor(streams.weight * (part / nullif(whole, 0)::double)) as hugeint), 0) as earned
        from streams
        left join requests
            on
                streams.within is not null
                and streams.charge_date = requests.charge_date
                {%- for entity in entities() %}
                and (streams.{{ entity }} = '(none)' or streams.{{ entity }} = requests.{{ entity }})
                {%- endfor %}
                and if(streams.within = 'tokens', requests.tokens, requests.attempts) > 0
    ) as parts
),

measured as (
    select
        charge_date, 'attempts' as measure, null as billing_currency, {{ entity_list }}, attempts as weight,
        'attempts' as unit
    from requests
    union all
    select charge_date, 'tokens', null, {{ entity_list }}, tokens, 'tokens'
    from requests
    union all
    select
        charge_date,
        'direct_cost',
        if(reporting_currency is null, billing_currency, null),
        {{ entity_list }},
        if(reporting_currency is null, weight, reporting_weight),
        'direct_cost' || coalesce(' in ' || reporting_currency, '')
    from causes
    where component = 'direct'
),

drivers as (
    select
        measured.charge_date,
        drivers.driver,
        drivers.choice,
        measured.billing_currency,
        {% for entity in entities() %}measured.{{ entity }}, {% endfor %}
        measured.weight,
        measured.unit
    from {{ ref('stg_lake__drivers') }} as drivers
    inner join measured on drivers.measure = measured.measure
    union all
    select
        charge_date,
        driver,
        choice,
        null,
        {{ entity_list }},
        if(is_whole, weight // 1000000000000, weight),
        if(is_whole, driver, '10^-12 ' || driver)
    from (
        select
            charge_date,
            driver,
            choice,
            {{ entity_list }},
            earned + if(place = 1, weight - all_earned, 0) as weight,
            bool_and((earned + if(place = 1, weight - all_earned, 0)) % 1000000000000 = 0) over (
                partition by charge_date, driver, choice
            ) as is_whole
        from within_streams
    ) as scaled
),

members as (
    select
        cost_pools.charge_group_id,
        -- What corrects something unknown: its service, else its account.
        if(cost_pools.scope = 'correction' and causes.service_name is distinct from cost_pools.scope_key, 2, 1)
            as choice,
        {% for entity in entities() %}causes.{{ entity }}, {% endfor %}
        if(cost_pools.scope = 'invoice' or causes.reporting_currency is null, causes.weight, causes.reporting_weight)
            as weight,
        if(
            cost_pools.scope = 'invoice' or causes.reporting_currency is null,
            'Nanounits of cost',
            'Nanounits of cost in ' || causes.reporting_currency
        ) as weight_unit
    from cost_pools
    inner join causes
        on
            cost_pools.charge_date = causes.charge_date
            and (
                cost_pools.billing_currency = causes.billing_currency
                or (causes.reporting_currency is not null and cost_pools.scope <> 'invoice')
            )
            and case cost_pools.scope
                when 'pool' then causes.pool = cost_pools.scope_key
                when 'invoice'
                    then causes.source = cost_pools.source and causes.billing_period = cost_pools.billing_period
                when 'account' then causes.source = cost_pools.source
                when 'correction' then causes.source = cost_pools.source
                when 'sub_account'
                    then causes.source = cost_pools.source and causes.sub_account_id = cost_pools.scope_key
                when 'service' then causes.source = cost_pools.source and causes.service_name = cost_pools.scope_key
                when 'company' then true
                else false
            end
    union all
    select
        cost_pools.charge_group_id,
        drivers.choice,
        {% for entity in entities() %}drivers.{{ entity }}, {% endfor %}
        drivers.weight,
        drivers.unit
    from cost_pools
    inner join {{ ref('stg_lake__rules') }} as rules on cost_pools.scope_key = rules.rule_hash
    inner join drivers
        on
            drivers.driver = rules.driver
            and drivers.charge_date = cost_pools.charge_date
            and coalesce(drivers.billing_currency = cost_pools.billing_currency, true)
            {%- for entity in entities() %}
            and coalesce(drivers.{{ entity }} glob rules.users_{{ entity }}, true)
            {%- endfor %}
    where cost_pools.scope = 'users'
),

-- A fallback shares where the first choice has nothing.
choices as (
    select charge_group_id, min(choice) as choice
    from members
    where weight > 0
    group by charge_group_id
),

weighted as (
    select
        members.charge_group_id,
        any_value(cost_pools.amount) as amount,
        any_value(cost_pools.scope) as scope,
        any_value(members.choice) as choice,
        any_value(members.weight_unit) as weight_unit,
        {% for entity in entities() %}members.{{ entity }}, {% endfor %}
        sum(members.weight)::hugeint as weight,
        sum(sum(members.weight)) over (partition by members.charge_group_id)::hugeint as total_weight
    from members
    inner join choices on members.charge_group_id = choices.charge_group_id and members.choice = choices.choice
    inner join cost_pools on members.charge_group_id = cost_pools.charge_group_id
    group by
        members.charge_group_id,
        {% for entity in entities() %}members.{{ entity }}{{ ', ' if not loop.last }}{% endfor %}
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
        weight_unit, allocated_method_id, rule_id, rule_version, owner, entities_from, null as stranded_reason
    from attributed
    where scope is null
    group by all
    union all
    select
        cost_pools.charge_date,
        {% for column in pool_columns.split(', ')[:6] %}cost_pools.{{ column }}, {% endfor %}
        {% for entity in entities() %}shares.{{ entity }}, {% endfor %}
        shares.share,
        shares.weight::decimal(38, 0),
        shares.total_weight::decimal(38, 0),
        shares.weight_unit,
        case
            when shares.scope = 'correction' then if(shares.choice = 1, 'service-cost', 'account-cost')
            when shares.scope <> 'users' then shares.scope || '-cost'
            when shares.choice = 1 then 'driver'
            else 'driver-fallback'
        end,
        cost_pools.rule_id, cost_pools.rule_version, cost_pools.owner, null, null
    from shares
    inner join cost_pools on shares.charge_group_id = cost_pools.charge_group_id
    where shares.share <> 0
    union all
    -- Nobody in its scope caused anything: it stays with whoever it is by rule, dimension or owner.
    select
        attributed.charge_date, attributed.cost_pool_id, attributed.source, attributed.billing_period,
        attributed.billing_currency, attributed.charge_category, attributed.component,
        {% for entity in entities() -%}
        {% if entity == 'team' -%}
        coalesce(nullif(attributed.team, '(none)'), attributed.owner, '(none)') as stranded_team,
        {% else -%}
        attributed.{{ entity }},
        {% endif -%}
        {% endfor -%}
        sum(attributed.effective_cost)::decimal(38, 12), null, null, null, 'stranded',
        attributed.rule_id, attributed.rule_version, attributed.owner,
        min(attributed.entities_from),
        case attributed.scope
            when 'users' then 'the driver ' || rules.driver || ' has nothing of these users on this day'
            when 'pool' then 'nobody used the pool ' || coalesce(attributed.scope_key, '(none)') || ' on this day'
            when 'correction' then 'what it corrects is unknown, and nothing of this account has a cost on this day'
            else 'nothing else of this ' || replace(attributed.scope, '_', '-') || ' has a cost on this day'
        end as reason
    from attributed
    left join {{ ref('stg_lake__rules') }} as rules
        on attributed.scope = 'users' and attributed.scope_key = rules.rule_hash
    where
        attributed.cost_pool_id is not null
        and attributed.cost_pool_id not in (select shares.charge_group_id from shares)
    group by
        attributed.charge_date, attributed.cost_pool_id, attributed.source, attributed.billing_period,
        attributed.billing_currency, attributed.charge_category, attributed.component,
        {% for entity in entities() -%}
        {{ 'stranded_team' if entity == 'team' else 'attributed.' ~ entity }},
        {% endfor -%}
        attributed.rule_id, attributed.rule_version, attributed.owner, reason
    having sum(attributed.effective_cost) <> 0
)

select
    *,
    case when total_weight > 0 then cast(json_object('Elements', [json_object(
        'AllocatedRatio', round(weight / total_weight, 12), 'UsageUnit', weight_unit, 'UsageQuantity', weight
    )]) as varchar) end as allocated_method_details
from ledger
