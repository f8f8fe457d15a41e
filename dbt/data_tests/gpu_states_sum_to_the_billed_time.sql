-- Per capacity charge group: the nanoseconds of the states are those billed. Shares of busy time are
-- whole nanoseconds, so an attempt can be off by one.
select
    states.charge_group_id,
    sum(states.nanoseconds) as nanoseconds,
    max(charge_groups.billed_milliseconds) * 1000000 as billed_nanoseconds_of_a_gpu
from {{ ref('capacity_states') }} as states
inner join {{ ref('int_charge_groups') }} as charge_groups
    on states.charge_group_id = charge_groups.charge_group_id
where charge_groups.billed_milliseconds is not null and {{ is_new('states.charge_date') }}
group by states.charge_group_id
having
    abs(sum(states.nanoseconds) / (max(charge_groups.billed_milliseconds) * 1000000)
        - round(sum(states.nanoseconds) / (max(charge_groups.billed_milliseconds) * 1000000))) > 1e-6
