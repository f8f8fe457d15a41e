-- One row an event of capacity, repeated ones counted.
select
    * exclude (x_source),
    x_source as source
from {{ source('lake', 'scale_events') }}
-- An event that went on over midnight was delivered with both days: its last state counts.
qualify row_number() over (
    partition by x_source, event_uid order by repeated desc, last_occurred_at desc, x_delivery_id desc
) = 1
