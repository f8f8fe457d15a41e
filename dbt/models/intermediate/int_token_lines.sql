-- One row a model's lines on the bill in one interval, project, key and tier: amount, billed
-- quantity and charge group of each token bucket side by side, so that an attempt joins once.
-- Where the bill states no quantity, the vendor's own usage endpoint does. A line of all tokens
-- together is joint: its amount stands once, its charge group in all buckets.
-- `rounding` is half of the last printed digit of each charge, in whole 10^-12: what a bill can differ
-- from price x tokens by having been printed.
with lines as (
    select
        {{ token_line_id() }} as token_line_id,
        *,
        max(length(rtrim(split_part(cast(effective_cost as varchar), '.', 2), '0'))) over (
            partition by source, billing_period, billing_currency
        ) as printed_digits
    from {{ ref('int_charge_groups') }}
    where treatment = 'tokens'
),

-- What each line is made of on the bill, whether telemetry tells that apart or not.
billed as (
    select
        charge_group_id,
        source,
        charge_period_start,
        charge_period_end,
        {{ service_tier('service_tier') }} as service_tier,
        model,
        token_type,
        unnest(coalesce(merged, [{'sub_account_id': sub_account_id, 'api_key_id': api_key_id}])) as told
    from lines
),

usage as (
    select
        usage.source,
        usage.usage_period_start,
        usage.usage_period_end,
        usage.sub_account_id,
        usage.api_key_id,
        {{ service_tier('usage.service_tier') }} as service_tier,
        coalesce(aliases.model, usage.model) as model,
        usage.token_type,
        sum(usage.quantity)::decimal(38, 12) as quantity
    from {{ ref('stg_lake__token_usage') }} as usage
    left join {{ ref('stg_lake__model_aliases') }} as aliases
        on
            usage.model = aliases.name
            and coalesce(aliases.valid_from <= cast(usage.usage_period_start as date), true)
            and coalesce(aliases.valid_to > cast(usage.usage_period_start as date), true)
    group by all
),

used as (
    select
        billed.charge_group_id,
        sum(usage.quantity)::decimal(38, 12) as quantity
    from billed
    inner join usage
        on
            billed.source = usage.source
            and billed.charge_period_start = usage.usage_period_start
            and billed.charge_period_end = usage.usage_period_end
            and billed.told.sub_account_id is not distinct from usage.sub_account_id
            and billed.told.api_key_id is not distinct from usage.api_key_id
            and billed.service_tier = usage.service_tier
            and billed.model = usage.model
            and billed.token_type = usage.token_type
    group by billed.charge_group_id
),

quantified as (
    select
        lines.*,
        lines.charges * (500000000000 // cast(power(10, least(lines.printed_digits, 12)) as bigint)) as rounding,
        coalesce(lines.consumed_quantity, used.quantity) as quantity
    from lines
    left join used on lines.charge_group_id = used.charge_group_id
)

select
    token_line_id,
    source,
    billing_period,
    billing_currency,
    charge_date,
    charge_period_start,
    charge_period_end,
    service_provider_name,
    sub_account_id,
    api_key_id,
    {{ service_tier('service_tier') }} as service_tier,
    model,
    any_value(rule) as rule,
    any_value(line_known) as known,
    -- Beside lines of single buckets it is of something else, such as a fee for a tool.
    count(token_type) = 0 as is_joint,
    if(count(token_type) = 0, sum(effective_cost), null) as joint_amount,
    if(count(token_type) = 0, sum(quantity), null) as joint_quantity,
    if(count(token_type) = 0, sum(rounding), null)::bigint as joint_rounding
    {%- for token_type in token_types() %},
    coalesce(
        max(charge_group_id) filter (where token_type = '{{ token_type }}'),
        if(count(token_type) = 0, max(charge_group_id), null)
    ) as {{ token_type }}_group_id,
    sum(effective_cost) filter (where token_type = '{{ token_type }}') as {{ token_type }}_amount,
    sum(quantity) filter (where token_type = '{{ token_type }}') as {{ token_type }}_quantity,
    (sum(rounding) filter (where token_type = '{{ token_type }}'))::bigint as {{ token_type }}_rounding
    {%- endfor %}
from quantified
group by all
