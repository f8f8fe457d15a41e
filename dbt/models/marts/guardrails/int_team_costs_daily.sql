-- Cost of each team and environment and day: of customers, features, workflows and models there are marts.
-- depends_on: {{ ref('int_period_inputs') }}
{{ config(materialized='monthly_parquet', schema='intermediate', contract={'enforced': false}) }}
select
    charge_date,
    billing_currency,
    team,
    environment,
    sum(effective_cost)::decimal(38, 12) as effective_cost,
    any_value(reporting_currency) as reporting_currency,
    sum(reporting_cost)::decimal(38, 21) as reporting_cost
from {{ ref('allocated_costs') }}
where {{ is_of_period("strftime(charge_date, '%Y-%m')") }}
group by charge_date, billing_currency, team, environment
