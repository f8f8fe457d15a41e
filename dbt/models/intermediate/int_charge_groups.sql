-- One row a charge group: what is attributed as a whole, with what is needed to attribute it.
-- A group equals the sum of its charges; min() where they can differ, so that no order of rows shows.
select
    charge_group_id,
    any_value(source) as source,
    any_value(billing_period) as billing_period,
    any_value(billing_currency) as billing_currency,
    any_value(treatment) as treatment,
    any_value(service_provider_name) as service_provider_name,
    min(service_name) as service_name,
    if(bool_and(tells_sub_account), min(sub_account_id), null) as sub_account_id,
    min(resource_id) as resource_id,
    min(usage_type) as usage_type,
    min(charge_category) as charge_category,
    min(charge_description) as charge_description,
    if(bool_and(tells_api_key), any_value(api_key_id), null) as api_key_id,
    -- The projects and keys of its charges, where telemetry does not tell them apart.
    list_sort(list_distinct(list({'sub_account_id': sub_account_id, 'api_key_id': api_key_id}) filter (
        where not tells_sub_account or not tells_api_key
    ))) as merged,
    any_value(line_known) as line_known,
    any_value(service_tier) as service_tier,
    any_value(model) as model,
    any_value(token_type) as token_type,
    any_value(charge_kind) as charge_kind,
    any_value(charge_period_start) as charge_period_start,
    any_value(charge_period_end) as charge_period_end,
    any_value(charge_date) as charge_date,
    any_value(rule_id) as rule_id,
    any_value(rule_version) as rule_version,
    any_value(rule_hash) as rule_hash,
    any_value(rule) as rule,
    -- Whose it is by the dimensions, where its charges agree.
    {%- set is_agreed = 'min(known_key) = max(known_key) and count(known_key) = count(*)' %}
    if({{ is_agreed }}, any_value(known), null) as known,
    if({{ is_agreed }}, min(known_from), null) as known_from,
    count(*) as charges,
    sum(billed_cost)::decimal(38, 12) as billed_cost,
    sum(effective_cost)::decimal(38, 12) as effective_cost,
    sum(consumed_quantity)::decimal(38, 12) as consumed_quantity,
    sum(billed_milliseconds)::bigint as billed_milliseconds,
    max(gpu_count) as gpu_count
from (
    select
        *,
        if(line_known is null, known_from, '') || cast(known as varchar) as known_key
    from {{ ref('int_charges_grouped') }}
) as charges
group by charge_group_id
