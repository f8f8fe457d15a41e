-- Versions of one model at several precisions, side by side; what is saved is against the widest that served
-- in the month. What making them cost is nowhere on a bill by itself.
{%- set widths = {
    'fp32': 32, 'fp16': 16, 'bf16': 16, 'fp8': 8, 'int8': 8, 'w8a8': 8, 'w8a16': 8, '8bit': 8, 'fp4': 4, 'nvfp4': 4,
    'mxfp4': 4, 'int4': 4, 'awq': 4, 'gptq': 4, 'w4a16': 4, '4bit': 4
} %}
with versions as (
    select
        month,
        base_name,
        precision,
        billing_currency,
        sum(requests)::bigint as requests,
        sum(version_cost)::decimal(38, 12) as version_cost
    from {{ ref('model_versions_monthly') }}
    group by all
),

priced as (
    select
        *,
        case precision
            {% for name, width in widths.items() -%}
            when '{{ name }}' then {{ width }}
            {% endfor -%}
            -- A name that says nothing is of the weights as they were released.
            else coalesce(try_cast(regexp_extract(precision, '^q([0-9])', 1) as bigint), 16)
        end as bits,
        {{ unit_cost('version_cost', 'requests') }} as cost_per_request,
        count(*) over (partition by month, base_name, billing_currency) as precisions
    from versions
    where requests > 0
),

compared as (
    select
        *,
        first(cost_per_request) over (
            partition by month, base_name, billing_currency order by bits desc, precision asc nulls first
        ) as widest_cost_per_request
    from priced
)

select
    month,
    base_name,
    precision,
    billing_currency,
    requests,
    version_cost,
    cost_per_request,
    if(precisions > 1, widest_cost_per_request, null) as widest_cost_per_request,
    if(
        precisions > 1, round((widest_cost_per_request - cost_per_request)::double * requests, 6), null
    )::decimal(38, 12) as saved_cost_estimate,
    if(precisions > 1, null, 'the model served at one precision only') as saved_reason,
    null::decimal(38, 1) as payback_months,
    'no charge says what quantizing or distilling the model cost' as payback_reason
from compared
