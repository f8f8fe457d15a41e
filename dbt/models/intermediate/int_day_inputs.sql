-- One row a day that has charges or attempts, with hashes of everything that its facts are made from:
-- a day whose facts carry the hash is not built again. `attempts_hash` is what the costs of single
-- attempts need; `waste_hash` is that and what is allowed of them; `ledger_hash` is what attempts need and
-- all that is shared, such as a monthly line that grew;
-- `costs_hash` is that and the exchange rates; `drivers_hash` is that and what kinds of cost the charges
-- are, `units_hash` is costs_hash and what says which inferences are good. `files` is what the names of
-- files have after the model's, by the hash that the model depends on. `rows` is about how many a day is
-- made from; `is_new`: nothing published was built from the same.
{%- set dated = {
    'model_aliases': 'dated.name, dated.model',
    'token_weights': 'dated',
    'pools': 'dated',
    'path_rules': 'dated',
    'owners': 'dated.entity, dated.entity_value, dated.owner',
    'operation_values': 'dated',
    'scaling_policies': 'dated',
    'service_levels': 'dated.feature, dated.workflow, dated.model, dated.measure, dated.target_ms'
} %}
with delivered_days as (
    select
        table_name,
        unnest(days, recursive := true)
    from {{ ref('stg_lake__deliveries') }}
    where
        status = 'current'
        and table_name in (
            'attempts', 'resource_states', 'counter_deltas', 'gauge_samples', 'split_costs', 'allocation_drivers'
        )
        -- Of two sources that tell of the same calls, one counts.
        and (
            table_name <> 'attempts'
            or source in (
                select sources.source from {{ ref('stg_lake__sources') }} as sources where sources.is_authoritative
            )
        )
),

-- Of other days' rows a day takes those that reach it: an attempt or a state that runs past midnight
-- was delivered with another day's.
reaching as (
    select
        table_name,
        day as charge_date,
        day,
        hash
    from delivered_days
    union all
    select
        table_name,
        unnest(range(reach_from::timestamp, reach_to::timestamp + interval 1 day, interval 1 day))::date,
        day,
        reach_hash
    from delivered_days
    where reach_hash is not null
),

telemetry as (
    select
        charge_date,
        string_agg(table_name || day || hash, ',' order by table_name, day, hash)
            filter (where table_name <> 'allocation_drivers') as hash,
        string_agg(day || hash, ',' order by day, hash) filter (where table_name = 'allocation_drivers') as driver_hash
    from reaching
    group by charge_date
),

token_lines as (
    select
        charge_date,
        sum(hash(lines))::varchar as hash
    from {{ ref('int_token_lines') }} as lines
    group by charge_date
),

charge_groups as materialized (
    select
        charge_group_id,
        source,
        billing_period,
        billing_currency,
        charge_date,
        treatment,
        hash(charge_groups) as hash
    from {{ ref('int_charge_groups') }} as charge_groups
),

capacity_groups as (
    select
        charge_date,
        sum(hash)::varchar as hash
    from charge_groups
    where treatment = 'capacity'
    group by charge_date
),

ledger_groups as (
    select
        spread.charge_date,
        sum(hash(spread, charge_groups.hash))::varchar as hash,
        sum(hash(rates.reporting_currency, rates.exchange_rate))::varchar as rate_hash
    from {{ ref('int_charges_spread_daily') }} as spread
    inner join charge_groups on spread.charge_group_id = charge_groups.charge_group_id
    {{ join_exchange_rates('charge_groups') }}
    group by spread.charge_date
),

days as (
    select charge_date from ledger_groups
    union
    select day from delivered_days where table_name = 'attempts'
),

sizes as (
    select
        charge_date,
        sum(rows)::bigint as rows
    from (
        select day as charge_date, rows from delivered_days
        union all
        select charge_date, 1 from {{ ref('int_charges_spread_daily') }}
    ) as counted
    group by charge_date
),

-- What the configuration and the business say, as it holds on the day.
{% for relation, columns in dated.items() -%}
{{ relation }} as (
    select
        days.charge_date,
        sum(hash({{ columns }}))::varchar as hash
    from days
    inner join {{ ref('stg_lake__' ~ relation) }} as dated on {{ is_valid_on('dated', 'days.charge_date') }}
    group by days.charge_date
),

{% endfor -%}
-- Where the bill states no quantity, attempts pay by the prices of the moment.
priced_lines as (
    select distinct
        charge_date,
        model
    from {{ ref('int_token_lines') }}
    where
        is_joint
        {%- for token_type in token_types() %}
        or ({{ token_type }}_amount is not null and {{ token_type }}_quantity is null)
        {%- endfor %}
),

{% for prices in ['list_prices', 'contract_prices'] -%}
{{ prices }} as (
    select
        lines.charge_date,
        sum(hash(prices))::varchar as hash
    from priced_lines as lines
    inner join (
        select * {{ 'exclude (package_version)' if prices == 'list_prices' }} from {{ ref('int_' ~ prices) }}
    ) as prices on lines.charge_date >= prices.valid_from and lines.charge_date < prices.valid_to
    left join {{ ref('stg_lake__model_aliases') }} as aliases
        on prices.label = aliases.name and {{ is_valid_on('aliases', 'lines.charge_date') }}
    where lines.model = coalesce(aliases.model, prices.label)
    group by lines.charge_date
),

{% endfor -%}
weight_rates as (
    select
        charge_date,
        sum(hash(rates))::varchar as hash
    from {{ ref('int_weight_rates') }} as rates
    group by charge_date
),

-- What kinds of cost a day's charges are.
charge_lines as (
    select
        spread.charge_date,
        sum(lines.hash)::varchar as hash
    from {{ ref('int_charges_spread_daily') }} as spread
    inner join (
        select charge_group_id, hash(lines) as hash
        from {{ ref('int_charge_lines') }} as lines
    ) as lines on spread.charge_group_id = lines.charge_group_id
    group by spread.charge_date
),

-- What of a machine's hour stopping it would save.
machine_rates as (
    select
        charge_date,
        sum(hash(rates))::varchar as hash
    from {{ ref('int_machine_rates') }} as rates
    group by charge_date
),

-- What tells of scaling, beside attempts and states.
scale_events as (
    select
        occurred_at::date as charge_date,
        sum(hash(events))::varchar as hash
    from {{ ref('stg_lake__scale_events') }} as events
    group by occurred_at::date
),

-- What is allowed before attempts count as wasted.
allowed as (
    select repeated_calls
    from {{ ref('stg_lake__guardrails') }}
),

-- An evaluation of the same or of the next day says whether an inference is good.
evaluations as (
    select
        days.charge_date,
        string_agg(delivered.day || delivered.hash, ',' order by delivered.day, delivered.hash) as hash
    from days
    inner join (
        select unnest(days, recursive := true)
        from {{ ref('stg_lake__deliveries') }}
        where status = 'current' and table_name = 'evaluations'
    ) as delivered
        on delivered.day >= days.charge_date and delivered.day <= days.charge_date + 1
    group by days.charge_date
),

{%- set of_attempts = ['telemetry', 'token_lines', 'capacity_groups', 'model_aliases', 'token_weights', 'list_prices',
    'contract_prices'] %}
{%- set of_the_ledger = ['ledger_groups', 'weight_rates', 'pools'] %}
{%- set of_scaling = ['scale_events', 'operation_values', 'scaling_policies'] %}
{%- set of_drivers = ['charge_lines', 'path_rules', 'owners'] %}
{%- set of_units = ['service_levels', 'evaluations'] %}

hashed as (
    select
        days.charge_date,
        {{ id_of(["'" ~ env_var('UNITLEDGER_MODEL_VERSION', 'development') ~ "'"] + hashes_of(of_attempts)) }}
            as attempts_hash,
        {{ id_of(['attempts_hash'] + hashes_of(of_scaling + ['service_levels'])) }} as scaling_hash,
        {{ id_of(['attempts_hash', 'evaluations.hash']) }} as fleet_hash,
        {{ id_of(['attempts_hash', '(select max(repeated_calls) from allowed)']) }} as waste_hash,
        {{ id_of(['attempts_hash', 'telemetry.driver_hash'] + hashes_of(of_the_ledger)) }} as ledger_hash,
        {{ id_of(['ledger_hash', 'ledger_groups.rate_hash']) }} as costs_hash,
        {{ id_of(['ledger_hash', 'machine_rates.hash']) }} as unused_hash,
        {{ id_of(['costs_hash'] + hashes_of(of_drivers)) }} as drivers_hash,
        {{ id_of(['costs_hash'] + hashes_of(of_units)) }} as units_hash
    from days
    {%- for part in of_attempts + of_the_ledger + of_drivers + of_units + of_scaling + ['machine_rates'] %}
    left join {{ part }} on days.charge_date = {{ part }}.charge_date
    {%- endfor %}
)

select
    hashed.*,
    map {
        {%- for name in day_hashes() %}
        '{{ name }}': hashed.charge_date || '-' || hashed.{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    } as files,
    coalesce(sizes.rows, 0) as rows,
    published.charge_date is null as is_new
from hashed
left join sizes on hashed.charge_date = sizes.charge_date
left join {{ source('lake', 'published_days') }} as published
    on hashed.charge_date = published.charge_date and hashed.costs_hash = published.costs_hash
