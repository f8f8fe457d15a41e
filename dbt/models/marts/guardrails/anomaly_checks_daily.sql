-- How much was watched on each day: where nothing is reported, it was judged, or the reason says why not.
{{ config(materialized='view') }}
select
    charge_date,
    billing_currency,
    entity,
    judged_values,
    anomalies,
    recurring_values,
    short_values,
    reason
from {{ ref('stg_lake__anomaly_checks') }}
