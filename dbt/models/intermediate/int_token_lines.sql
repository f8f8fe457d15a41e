-- One row a model's lines on the bill in one interval, project, key and tier: amount, billed
-- quantity and charge group of each token bucket side by side, so that an attempt joins once.
select
    {{ token_line_id() }} as token_line_id,
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
    any_value(rule) as rule
    {%- for token_type in token_types() %},
    max(charge_group_id) filter (where token_type = '{{ token_type }}') as {{ token_type }}_group_id,
    sum(effective_cost) filter (where token_type = '{{ token_type }}') as {{ token_type }}_amount,
    sum(consumed_quantity) filter (where token_type = '{{ token_type }}') as {{ token_type }}_quantity
    {%- endfor %}
from {{ ref('int_charge_groups') }}
where treatment = 'tokens'
group by all
