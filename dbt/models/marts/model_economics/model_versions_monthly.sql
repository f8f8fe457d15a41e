-- Versions as spans name them, and those that machines held though nobody asked them anything. What machines
-- cost beside requests is the version's that they held, where it is one.
with served as (
    select
        {{ month_of('charge_date') }} as month,
        model,
        version,
        billing_currency,
        sum(requests)::bigint as requests,
        sum(direct_cost)::decimal(38, 12) as direct_cost,
        min(charge_date) filter (where requests > 0) as first_date,
        max(charge_date) filter (where requests > 0) as last_date
    from {{ ref('int_model_days') }}
    where version is not null
    group by all
    having sum(requests) > 0 or sum(direct_cost) is not null
),

held as (
    select
        {{ month_of('charge_date') }} as month,
        model as version,
        billing_currency,
        sum(idle_cost + changing_cost + unknown_cost)::decimal(38, 12) as holding_cost,
        sum(paid_seconds)::decimal(18, 3) as held_seconds
    from {{ ref('gpu_resources_hourly') }}
    where model is not null
    group by all
),

versions as (
    select
        coalesce(served.month, held.month) as month,
        coalesce(served.version, held.version) as version,
        coalesce(served.model, aliases.model, held.version) as model,
        coalesce(served.billing_currency, held.billing_currency) as billing_currency,
        coalesce(served.requests, 0) as requests,
        served.first_date,
        served.last_date,
        served.direct_cost,
        held.holding_cost,
        held.held_seconds
    from served
    full join held
        on
            served.month = held.month and served.version = held.version
            and served.billing_currency = held.billing_currency
    left join {{ ref('stg_lake__model_aliases') }} as aliases
        on
            served.version is null and held.version = aliases.name
            and {{ is_valid_on('aliases', "strptime(held.month || '-01', '%Y-%m-%d')::date") }}
),

shared as (
    select
        *,
        (
            sum(requests) over (partition by month, model, version) / nullif(sum(requests) over (partition by month), 0)
        )::decimal(9, 6) as request_share,
        if(
            direct_cost is null and holding_cost is null,
            null,
            coalesce(direct_cost, 0) + coalesce(holding_cost, 0)
        )::decimal(38, 12) as version_cost,
        nullif(regexp_extract(lower(version), '{{ precision_pattern() }}', 1), '') as weights
    from versions
)

select
    month,
    model,
    version,
    billing_currency,
    requests,
    request_share,
    request_share < {{ var('rare_version_share', 0.01) }} as is_rare,
    first_date,
    last_date,
    direct_cost,
    holding_cost,
    version_cost,
    {{ unit_cost('version_cost', 'requests') }} as cost_per_request,
    held_seconds,
    weights as precision,
    if(weights is null, lower(version), regexp_replace(lower(version), '{{ precision_pattern() }}', '\2')) as base_name,
    if(weights is null, 'the name of the version says no precision', null) as precision_reason
from shared
