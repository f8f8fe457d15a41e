-- One row an event of capacity, repeated ones counted.
select
    * exclude (x_source),
    x_source as source
from {{ source('lake', 'scale_events') }}
-- An event that went on over midnight was delivered with both days, under its first time: its last state
-- counts. What asks for a day reads no other day's.
qualify row_number() over (
    partition by x_source, event_uid, occurred_at order by repeated desc, last_occurred_at desc, x_delivery_id desc
) = 1
