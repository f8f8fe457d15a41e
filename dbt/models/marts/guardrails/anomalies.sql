-- Days on which a cost was far above what its weeks before let expect. Who answers for it: the value's own owner,
-- else the owner of what moved most in it.
{{ config(materialized='view') }}
with owners as (
    {{ named_owners() }}
    union all
    select distinct part_entity, part_value, part_value, null, null, 1
    from {{ ref('stg_lake__anomaly_evidence') }}
    where part_entity = 'owner' and part_value <> '(none)'
),

-- Who answers for the value, and for the parts that grew.
answering as (
    select charge_date, billing_currency, entity, value, entity as owner_from, value as owner_of, null as moved
    from {{ ref('stg_lake__anomalies') }}
    union all
    select
        anomalies.charge_date, anomalies.billing_currency, anomalies.entity, anomalies.value,
        parts.part_entity, parts.part_value, parts.observed_cost - parts.usual_estimate
    from {{ ref('stg_lake__anomalies') }} as anomalies
    inner join {{ ref('stg_lake__anomaly_evidence') }} as parts
        on
            anomalies.charge_date = parts.charge_date
            and anomalies.billing_currency = parts.billing_currency
            and anomalies.entity = parts.entity
            and anomalies.value = parts.value
),

answered as (
    select
        answering.*,
        owners.owner
    from answering
    inner join owners
        on
            answering.owner_from = owners.entity
            and answering.owner_of = owners.value
            and {{ is_valid_on('owners', 'answering.charge_date') }}
    where coalesce(answering.moved > 0, true)
    qualify
        row_number() over (
            partition by answering.charge_date, answering.billing_currency, answering.entity, answering.value
            order by answering.moved desc nulls first, owners.preference asc, owners.owner asc
        ) = 1
),

-- What grew most is what a pool costs, which is an anomaly itself: all that it serves grows with it.
followed as (
    select
        parts.charge_date,
        parts.billing_currency,
        parts.entity,
        parts.value,
        pools.value as pool
    from (
        select *
        from {{ ref('stg_lake__anomaly_evidence') }}
        where part_entity = 'paid_for'
        qualify
            row_number() over (
                partition by charge_date, billing_currency, entity, value
                order by observed_cost - usual_estimate desc, part_value asc
            ) = 1
    ) as parts
    inner join {{ ref('stg_lake__anomalies') }} as pools
        on
            pools.entity = 'pool'
            and parts.charge_date = pools.charge_date
            and parts.billing_currency = pools.billing_currency
            and parts.part_value = 'pool ' || pools.value
)

select
    anomalies.charge_date,
    anomalies.billing_currency,
    anomalies.entity,
    anomalies.value,
    anomalies.observed_cost,
    anomalies.expected_estimate,
    anomalies.lower_estimate,
    anomalies.upper_estimate,
    (anomalies.observed_cost - anomalies.expected_estimate)::decimal(38, 6) as excess_estimate,
    anomalies.score,
    anomalies.history_days,
    row_number() over (
        partition by
            anomalies.billing_currency, anomalies.entity, anomalies.value,
            anomalies.charge_date - anomalies.place_of_day::integer
        order by anomalies.charge_date
    ) as days_in_a_row,
    followed.pool as follows_pool,
    answered.owner,
    answered.owner_from
from (
    select
        *,
        row_number() over (partition by billing_currency, entity, value order by charge_date) as place_of_day
    from {{ ref('stg_lake__anomalies') }}
) as anomalies
left join answered
    on
        anomalies.charge_date = answered.charge_date
        and anomalies.billing_currency = answered.billing_currency
        and anomalies.entity = answered.entity
        and anomalies.value = answered.value
left join followed
    on
        anomalies.charge_date = followed.charge_date
        and anomalies.billing_currency = followed.billing_currency
        and anomalies.entity = followed.entity
        and anomalies.value = followed.value
