-- What moved in each anomaly, seen from several sides: the parts that differ most from what is usual for them.
{{ config(materialized='view') }}
select
    charge_date,
    billing_currency,
    entity,
    value,
    part_entity,
    part_value,
    observed_cost,
    usual_estimate,
    (observed_cost - usual_estimate)::decimal(38, 6) as change_estimate
from {{ ref('stg_lake__anomaly_evidence') }}
