-- What was started on a day, and what the scaling of the pool cost.
with costs as (
    select
        charge_date,
        pool,
        billing_currency,
        {% for state in ['provisioning', 'starting', 'terminating'] -%}
        coalesce(sum(effective_cost) filter (where state = '{{ state }}'), 0)::decimal(38, 12) as {{ state }}_cost,
        {% endfor -%}
        coalesce(sum(effective_cost) filter (where is_correction), 0)::decimal(38, 12) as correction_cost,
        sum(effective_cost)::decimal(38, 12) as scaling_cost
    from {{ ref('int_unused_capacity') }}
    where component = 'scaling'
    group by all
),

-- What was started counts once, in the currency of most of the pool's scaling.
main_currencies as (
    select charge_date, pool, arg_max(billing_currency, (scaling_cost, billing_currency)) as billing_currency
    from costs
    group by charge_date, pool
),

pods as (
    select
        *,
        lag(model) over (partition by resource_id, life order by started_at, pod_uid) as model_before
    from {{ ref('int_model_loads') }}
),

started as (
    select started_at::date as charge_date, pool, 'machine' as what, null::bigint as size_bytes, null::bigint as ms
    from {{ ref('int_machines') }}
    where is_start_seen
    union all
    select started_at::date, pool, 'pod', null, start_ms from pods where has_start
    union all
    select started_at::date, pool, 'swap', null, start_ms from pods where has_start and model_before <> model
    union all
    select occurred_at::date, coalesce(pool, '(none)'), event, size_bytes, duration_ms
    from {{ ref('stg_lake__scale_events') }}
    where event in ('image_pulled', 'image_present', 'model_loaded')
),

counts as (
    select
        charge_date,
        pool,
        {% for what, name in [
            ('machine', 'machines_started'), ('pod', 'pods_started'), ('swap', 'model_swaps'),
            ('image_pulled', 'image_pulls'), ('image_present', 'images_present'), ('model_loaded', 'model_loads')
        ] -%}
        count(*) filter (where what = '{{ what }}') as {{ name }},
        {% endfor -%}
        sum(ms) filter (where what = 'pod')::bigint as pod_start_ms,
        sum(ms) filter (where what = 'image_pulled')::bigint as image_pull_ms,
        sum(size_bytes) filter (where what = 'image_pulled')::bigint as image_pull_bytes
    from started
    group by charge_date, pool
)

select
    coalesce(costs.charge_date, counts.charge_date) as charge_date,
    coalesce(costs.pool, counts.pool) as pool,
    costs.billing_currency,
    {% for name in ['machines_started', 'pods_started', 'model_swaps', 'image_pulls', 'images_present'] -%}
    coalesce(counts.{{ name }}, 0) as {{ name }},
    {% endfor -%}
    -- Only servers that tell of their loads are counted.
    nullif(counts.model_loads, 0) as model_loads,
    counts.pod_start_ms,
    counts.image_pull_ms,
    counts.image_pull_bytes,
    costs.provisioning_cost,
    costs.starting_cost,
    costs.terminating_cost,
    costs.correction_cost,
    costs.scaling_cost,
    case when costs.scaling_cost is null then 'no bill of what was started' end as cost_reason
from costs
left join main_currencies on costs.charge_date = main_currencies.charge_date and costs.pool = main_currencies.pool
full join counts
    on
        costs.charge_date = counts.charge_date
        and costs.pool = counts.pool
        and costs.billing_currency = main_currencies.billing_currency
