-- One row a correction or refund, an original charge group that it corrects, and the day of use.
-- A correction names its original by what it carries: what it leaves out, it does not restrict.
select
    corrections.charge_group_id,
    originals.charge_group_id as mirrored_group_id,
    originals.charge_date,
    corrections.effective_cost as amount,
    {{ nano('originals.effective_cost') }} as weight
from {{ ref('int_charge_groups') }} as corrections
inner join {{ ref('int_charge_groups') }} as originals
    on
        corrections.source = originals.source
        and corrections.billing_currency = originals.billing_currency
        and corrections.service_name = originals.service_name
        and corrections.charge_period_start < originals.charge_period_end
        and corrections.charge_period_end > originals.charge_period_start
        and coalesce(corrections.resource_id = originals.resource_id, corrections.resource_id is null)
        and coalesce(corrections.usage_type = originals.usage_type, corrections.usage_type is null)
        and if(
            originals.merged is null,
            coalesce(corrections.sub_account_id = originals.sub_account_id, corrections.sub_account_id is null)
            and coalesce(corrections.api_key_id = originals.api_key_id, corrections.api_key_id is null),
            len(list_filter(originals.merged, lambda original:
                coalesce(corrections.sub_account_id = original.sub_account_id, corrections.sub_account_id is null)
                and coalesce(corrections.api_key_id = original.api_key_id, corrections.api_key_id is null)
            )) > 0
        )
        and coalesce(corrections.model = originals.model, corrections.model is null)
        and coalesce(corrections.token_type = originals.token_type, corrections.token_type is null)
where
    corrections.treatment = 'correction'
    and originals.treatment not in ('correction', 'tax', 'credit')
    and originals.effective_cost > 0
    and originals.charge_period_end <= originals.charge_period_start + interval 1 day
