with mostly as (
    select
        charge_date,
        billing_currency,
        entity,
        value,
        part_entity || ' ' || part_value as part
    from marts.anomaly_evidence
    where part_entity not in ('paid_for', 'owner')
    qualify
        row_number() over (
            partition by charge_date, billing_currency, entity, value
            order by change_estimate desc, part_entity asc, part_value asc
        ) = 1
),

followers as (
    select
        charge_date,
        billing_currency,
        'pool' as entity,
        follows_pool as value,
        count(*) as dearer_by_it
    from marts.anomalies
    where follows_pool is not null
    group by charge_date, billing_currency, follows_pool
)

select
    anomalies.billing_currency as currency,
    strftime(anomalies.charge_date, '%m-%d')
    || ' '
    || replace(anomalies.entity, '_id', '')
    || if(anomalies.entity = 'all', '', ' ' || anomalies.value) as day_and_what,
    anomalies.excess_estimate,
    anomalies.observed_cost,
    anomalies.expected_estimate,
    mostly.part as mostly,
    followers.dearer_by_it,
    anomalies.owner
from marts.anomalies
left join mostly using (charge_date, billing_currency, entity, value)
left join followers using (charge_date, billing_currency, entity, value)
where
    strftime(anomalies.charge_date, '%Y-%m') = '{period}'
    and anomalies.follows_pool is null
order by currency asc, anomalies.excess_estimate desc, day_and_what asc
