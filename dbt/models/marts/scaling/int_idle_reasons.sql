-- What the pieces of int_idle_gaps cost, one row a day, life of a machine and reason: few rows, which
-- a table holds.
{{ config(schema='intermediate', contract={'enforced': false}) }}
select
    charge_date,
    resource_id,
    life,
    pool,
    owner,
    billing_currency,
    reason,
    max(gap_ended_at) as gap_ended_at,
    sum(nanoseconds)::bigint as nanoseconds,
    sum(idle_cost)::decimal(38, 12) as idle_cost,
    sum(recoverable_cost)::decimal(38, 12) as recoverable_cost
from {{ ref('int_idle_gaps') }}
group by all
