-- One row a day and service provider of which telemetry has calls, and one (without a provider) for all
-- others: whether any call that the provider may bill says which project, or which key, it is of. A
-- call whose provider nobody knows can be any provider's. Known from the lake's index: no call is read.
with delivered as (
    select unnest(deliveries.dimensions, recursive := true)
    from {{ ref('stg_lake__deliveries') }} as deliveries
    inner join {{ ref('stg_lake__sources') }} as sources on deliveries.source = sources.source
    where
        deliveries.status = 'current'
        and deliveries.table_name = 'attempts'
        and sources.is_authoritative
),

named as (
    select
        delivered.day as charge_date,
        providers.service_provider_name,
        bool_or(delivered.has_sub_account) as has_sub_account,
        bool_or(delivered.has_api_key) as has_api_key
    from delivered
    left join {{ ref('provider_names') }} as providers on delivered.provider_name = providers.provider_name
    group by delivered.day, providers.service_provider_name
)

select
    named.charge_date,
    named.service_provider_name,
    named.has_sub_account or coalesce(anyones.has_sub_account, false) as has_sub_account,
    named.has_api_key or coalesce(anyones.has_api_key, false) as has_api_key
from named
left join named as anyones
    on named.charge_date = anyones.charge_date and anyones.service_provider_name is null
