select
    coalesce(pool, '(none)') as pool,
    hour(charge_period_start) as hour,
    (coalesce(sum(nanoseconds) filter (where state = 'busy'), 0) / 3.6e12)::decimal(18, 4) as busy,
    (coalesce(sum(nanoseconds) filter (where state = 'warm_idle'), 0) / 3.6e12)::decimal(18, 4) as warm_idle,
    (coalesce(sum(nanoseconds) filter (where state = 'unrequested'), 0) / 3.6e12)::decimal(18, 4) as unrequested,
    (coalesce(sum(nanoseconds) filter (where state = 'provisioning'), 0) / 3.6e12)::decimal(18, 4) as provisioning,
    (coalesce(sum(nanoseconds) filter (where state = 'starting'), 0) / 3.6e12)::decimal(18, 4) as starting,
    (coalesce(sum(nanoseconds) filter (where state = 'terminating'), 0) / 3.6e12)::decimal(18, 4) as terminating,
    (coalesce(sum(nanoseconds) filter (where state = 'unknown'), 0) / 3.6e12)::decimal(18, 4) as unknown,
    (sum(nanoseconds) / 3.6e12)::decimal(18, 4) as paid_hours
from marts.capacity_states
where strftime(charge_date, '%Y-%m') = '{period}'
group by 1, 2
order by 1, 2
