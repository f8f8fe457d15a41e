-- One row a day: which of the bill's dimensions the telemetry of API calls carries.
-- What telemetry does not carry cannot tell charges apart: their lines are then attributed together.
select
    cast(ended_at as date) as charge_date,
    bool_or(sub_account_id is not null) as has_sub_account,
    bool_or(api_key_id is not null) as has_api_key
from {{ ref('stg_lake__attempts') }}
where pod_uid is null
group by charge_date
