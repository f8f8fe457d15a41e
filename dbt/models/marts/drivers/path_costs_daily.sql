-- What each pool's cost was used for: of what requests used, the path is known.
{{ config(materialized='view') }}
select
    charge_date,
    billing_currency,
    pool,
    path,
    sum(effective_cost)::decimal(38, 12) as effective_cost,
    (sum(effective_cost) / nullif(sum(sum(effective_cost)) over pools, 0))::decimal(18, 6) as share_of_pool,
    case when path <> '(none)' then (
        sum(effective_cost) / nullif(sum(sum(effective_cost)) filter (where path <> '(none)') over pools, 0)
    )::decimal(18, 6) end as share_of_used
from {{ ref('cost_drivers_daily') }}
group by charge_date, billing_currency, pool, path
window pools as (partition by charge_date, billing_currency, pool)
