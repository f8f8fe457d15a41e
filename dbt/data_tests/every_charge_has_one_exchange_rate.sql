-- Where a reporting currency is configured, nothing is converted by a rate that is not there.
select *
from {{ ref('int_exchange_rates') }}
where exchange_rate is null
