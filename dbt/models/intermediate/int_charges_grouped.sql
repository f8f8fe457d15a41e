-- One row a charge with its group: the bill's own line, which is attributed as a whole.
-- Tokens: every dimension that both the bill and telemetry carry: where telemetry knows calls of the
-- provider on that day, and of none the project (or key), the bill's projects (or keys) are one line;
-- what the dimensions of the configuration tell apart stays apart. Capacity: all charges of one
-- resource and hour. Everything else: the same service, resource and use in the same period.
{{ config(materialized='view') }}
with ruled as (
    select
        charges.*,
        coalesce(aliases.model, charges.billed_model) as model,
        matched.rule.rule_id as rule_id,
        matched.rule.rule_version as rule_version,
        matched.rule.rule_hash as rule_hash,
        matched.rule as rule,
        if(matched.known_from is null, null, matched.known) as known,
        matched.known_from as known_from,
        -- A correction, and a refund, follows what it corrects, whatever that was.
        (
            coalesce(charges.charge_class = 'Correction', false)
            or coalesce(charges.line_item_type = 'Refund', false)
            or (charges.charge_category = 'Usage' and charges.effective_cost < 0)
        ) as is_correction
    from {{ ref('int_charges') }} as charges
    left join {{ ref('int_rules_matched') }} as matched
        on
            {{ rule_tuple_id() }} = matched.rule_tuple_id
            and charges.charge_date = matched.charge_date
    left join {{ ref('stg_lake__model_aliases') }} as aliases
        on
            charges.billed_model = aliases.name
            and coalesce(aliases.valid_from <= charges.charge_date, true)
            and coalesce(aliases.valid_to > charges.charge_date, true)
),

classified as (
    select
        *,
        case
            when is_correction then 'correction'
            when charge_category in ('Tax', 'Credit') then lower(charge_category)
            when rule.treatment is not null then rule.treatment
            when commitment_discount_status = 'Unused' then 'overhead'
            when charge_period_end > charge_period_start + interval 1 day then 'unmatched'
            when charge_kind in ('tokens', 'capacity') and effective_cost >= 0 then charge_kind
            else 'unmatched'
        end as treatment,
        -- A condition of one side would keep the joins below from hashing.
        if(treatment = 'tokens', charge_date, null) as token_date
    from ruled
),

-- Whether telemetry tells the projects, and the keys, of token charges apart.
told as (
    select
        classified.* exclude (token_date),
        coalesce(named.has_sub_account, anyones.has_sub_account, true) as tells_sub_account,
        coalesce(named.has_api_key, anyones.has_api_key, true) as tells_api_key,
        if(
            (classified.sub_account_id is not null and not tells_sub_account)
            or (classified.api_key_id is not null and not tells_api_key),
            classified.known,
            null
        ) as line_known
    from classified
    left join {{ ref('int_telemetry_dimensions') }} as named
        on
            classified.token_date = named.charge_date
            and classified.service_provider_name = named.service_provider_name
    left join {{ ref('int_telemetry_dimensions') }} as anyones
        on
            classified.token_date = anyones.charge_date
            and anyones.service_provider_name is null
)

select
    *,
    case
        when treatment = 'tokens' then {{ id_of([
            "'tokens'", 'source', 'billing_period', 'billing_currency', 'charge_period_start', 'charge_period_end',
            'service_provider_name', 'if(tells_sub_account, sub_account_id, null)',
            'if(tells_api_key, api_key_id, null)', 'service_tier', 'model', 'token_type', line_owner()
        ]) }}
        when treatment = 'capacity' then {{ id_of([
            "'capacity'", 'source', 'billing_period', 'billing_currency', 'charge_period_start', 'charge_period_end',
            'resource_id', 'rule_hash', 'rule.pool'
        ]) }}
        else {{ id_of([
            'treatment', 'source', 'billing_period', 'billing_currency', 'charge_period_start', 'charge_period_end',
            'service_name', 'sub_account_id', 'resource_id', 'usage_type', 'operation', 'line_item_type',
            'charge_category', 'charge_class', 'commitment_discount_status', 'billed_model', 'token_type', 'api_key_id',
            'invoice_id', 'rule_hash', 'charge_kind', 'rule.pool', 'known', 'known_from'
        ]) }}
    end as charge_group_id
from told
