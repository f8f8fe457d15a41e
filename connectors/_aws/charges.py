"""Costed lines as FOCUS columns."""

from connectors._aws.costs import COSTED
from connectors._aws.prices import SKU_PRICE_DETAILS, unit_price
from connectors._aws.services import REGIONS, as_map
from connectors._aws.tags import TAGS
from connectors._aws.tokens import METERS
from connectors._aws.words import UNUSED, ours, word
from connectors._sql import quoted

# Machines, for sharing their cost by time: those of EC2 and those of SageMaker's endpoints, jobs
# and notebooks. Their surcharges (EBS optimization, CPU credits, volumes) are not here: their hours
# are no hours of the machine; nor is what a reservation did not use, which is nobody's machine.
_IS_MACHINE = f"""
        is_usage
        and unit in ({ours("unit", "Hours")}, {ours("unit", "Units")})
        and (
            (line_item_product_code = 'AmazonEC2'
                and starts_with(line_item_resource_id, 'i-')
                and is_instance_time)
            or (line_item_product_code = 'AmazonSageMaker'
                and line_item_resource_id is not null
                and is_sagemaker_time)
        )
"""

_ISSUER = f"""coalesce(
            {word("invoice_issuer_name", "bill_invoicing_entity")},
            {ours("invoice_issuer_name", "AWS")}
        )"""

CHARGES_SQL = f"""
{COSTED}
    select
        -- Who pays, for which period.
        {word("billing_account_id", "bill_payer_account_id")} as billing_account_id,
        coalesce(
            {word("billing_account_name", "bill_payer_account_name")},
            {word("billing_account_name", "bill_payer_account_id")}
        ) as billing_account_name,
        {ours("billing_account_type", "Payer Account")} as billing_account_type,
        {word("sub_account_id", "line_item_usage_account_id")} as sub_account_id,
        case when line_item_usage_account_id is not null
            then coalesce(
                {word("sub_account_name", "line_item_usage_account_name")},
                {word("sub_account_name", "line_item_usage_account_id")}
            )
        end as sub_account_name,
        case when line_item_usage_account_id is not null
            then {ours("sub_account_type", "Account")}
        end as sub_account_type,
        {word("billing_currency", "line_item_currency_code")} as billing_currency,
        {word("invoice_id", "bill_invoice_id")} as invoice_id,
        month_start(period_start) as billing_period_start,
        month_end(period_start) as billing_period_end,
        as_x_billing_period(period_start) as x_billing_period,
        usage_start as charge_period_start,
        case
            -- A fee without a duration, and the last second of a fee's period.
            when usage_end <= usage_start then usage_start + interval 1 hour
            when second(usage_end) = 59 then date_trunc('second', usage_end) + interval 1 second
            else usage_end
        end as charge_period_end,

        -- What it is.
        case
            when part = 'unused' then {ours("charge_category", "Usage")}
            when is_refund_of_upfront_fee then {ours("charge_category", "Purchase")}
            else focus_type.charge_category
        end as charge_category,
        case
            when line_item_line_item_type = 'Refund' and usage_start < period_start
                then {ours("charge_class", "Correction")}
        end as charge_class,
        case
            when part = 'unused'
                then cast(
                    {quoted(UNUSED)} || line_item_line_item_description as charge_description
                )
            else {word("charge_description", "line_item_line_item_description")}
        end as charge_description,
        case
            when part = 'unused' then {ours("charge_frequency", "Usage-Based")}
            when line_item_product_code like 'AWSSupport%' and line_item_line_item_type = 'Fee'
                then {ours("charge_frequency", "Recurring")}
            else focus_type.charge_frequency
        end as charge_frequency,
        {word("x_line_item_type", "line_item_line_item_type")} as x_line_item_type,
        {word("x_usage_type", "line_item_usage_type")} as x_usage_type,
        {word("x_operation", "line_item_operation")} as x_operation,

        -- What it costs.
        billed as billed_cost,
        effective as effective_cost,
        {unit_price("list_rate", "listed")} as list_unit_price,
        {unit_price("contracted_rate", "contracted")} as contracted_unit_price,
        -- Price × quantity, to the last of our digits.
        coalesce(cast(list_unit_price * quantity as decimal(38, 12)), listed) as list_cost,
        coalesce(cast(contracted_unit_price * quantity as decimal(38, 12)), contracted)
            as contracted_cost,
        case
            when sku_price_id is null then null
            when pricing_term = 'Spot' or line_item_usage_type like '%SpotUsage%'
                then {ours("pricing_category", "Dynamic")}
            when commitment_id is not null and is_usage
                then {ours("pricing_category", "Committed")}
            else {ours("pricing_category", "Standard")}
        end as pricing_category,
        coalesce(
            {word("pricing_currency", "pricing_currency")},
            {word("pricing_currency", "line_item_currency_code")}
        ) as pricing_currency,
        -- A bill in another currency does not say its rate of exchange.
        case when is_priced_as_billed then effective end as pricing_currency_effective_cost,
        case when is_priced_as_billed then list_unit_price end
            as pricing_currency_list_unit_price,
        case when is_priced_as_billed then contracted_unit_price end
            as pricing_currency_contracted_unit_price,
        case when sku_price_id is not null then quantity end as pricing_quantity,
        case when pricing_quantity is not null then unit end as pricing_unit,
        case
            when is_tokens then pricing_quantity * 1000000
            when is_usage then pricing_quantity
        end as consumed_quantity,
        case
            when consumed_quantity is null then null
            when is_tokens then {ours("unit", "Tokens")}
            else unit
        end as consumed_unit,

        -- Commitments and reservations.
        commitment_id as commitment_discount_id,
        case
            when commitment_id is null then null
            when commitment_id = savings_plan_savings_plan_a_r_n
                then {ours("commitment_discount_category", "Spend")}
            else {ours("commitment_discount_category", "Usage")}
        end as commitment_discount_category,
        case
            when commitment_id is null then null
            when commitment_id = savings_plan_savings_plan_a_r_n
                then {ours("commitment_discount_type", "Savings Plan")}
            else {ours("commitment_discount_type", "Reserved Instance")}
        end as commitment_discount_type,
        case
            when commitment_id is null then null
            when part = 'unused' then {ours("commitment_discount_status", "Unused")}
            when is_usage then {ours("commitment_discount_status", "Used")}
        end as commitment_discount_status,
        case
            when sku_price_id is null or commitment_id is null then null
            when line_item_line_item_type = 'SavingsPlanCoveredUsage' then effective
            when line_item_line_item_type = 'SavingsPlanRecurringFee'
                then money(savings_plan_total_commitment_to_date)
            when line_item_line_item_type in ('DiscountedUsage', 'RIFee') then quantity
        end as commitment_discount_quantity,
        case
            when commitment_discount_quantity is null then null
            when commitment_discount_category = {ours("commitment_discount_category", "Spend")}
                then {word("unit", "line_item_currency_code")}
            else unit
        end as commitment_discount_unit,
        {word("capacity_reservation_id", "capacity_reservation_capacity_reservation_arn")}
            as capacity_reservation_id,
        case
            when capacity_reservation_id is null
                or charge_category <> {ours("charge_category", "Usage")} then null
            when capacity_reservation_capacity_reservation_status = 'Unused'
                or line_item_usage_type like '%UnusedBox%'
                then {ours("capacity_reservation_status", "Unused")}
            else {ours("capacity_reservation_status", "Used")}
        end as capacity_reservation_status,

        -- Where it ran, and on what.
        case when is_commitment_fee then commitment_id
            else line_item_resource_id
        end as resource_id,
        case
            when resource_id is null then null
            when resource_id = commitment_id
                then if(
                    commitment_id = savings_plan_savings_plan_a_r_n,
                    {ours("resource_type", "Savings Plan")},
                    {ours("resource_type", "Reserved Instance")}
                )
            when starts_with(resource_id, 'i-') then {ours("resource_type", "EC2 Instance")}
            when starts_with(resource_id, 'vol-') then {ours("resource_type", "EBS Volume")}
            else coalesce(
                {word("resource_type", "product_product_family")},
                {word("resource_type", "line_item_product_code")},
                {ours("resource_type", "Resource")}
            )
        end as resource_type,
        coalesce(
            product_region_code,
            product_attributes['region_code'],
            product_attributes['region'],
            nullif(
                regexp_extract(line_item_availability_zone, '^[a-z]+-[a-z]+(-[a-z]+)?-[0-9]'), ''
            )
        ) as region_id,
        case
            when region_id = product_region_code then coalesce(product_region_name, region_id)
            else coalesce({as_map(REGIONS, "varchar")}[region_id], region_id)
        end as region_name,
        {word("availability_zone", "line_item_availability_zone")} as availability_zone,

        -- Who sells it. AWS invoices what third parties sell on its Marketplace; provider and
        -- issuer must be one string, or FOCUS 1.2 would have nothing billed.
        {_ISSUER} as invoice_issuer_name,
        {_ISSUER} as provider_name,
        case when is_marketplace
            then coalesce(
                {word("publisher_name", "line_item_legal_entity")},
                {ours("publisher_name", "AWS Marketplace")}
            )
            else coalesce(
                {word("publisher_name", "bill_invoicing_entity")}, {ours("publisher_name", "AWS")}
            )
        end as publisher_name,
        -- Bedrock serves the models of others, and is what telemetry knows.
        case when is_marketplace and meter_words is null then publisher_name
            else {ours("publisher_name", "AWS")}
        end as service_provider_name,
        case when not is_marketplace or meter_words is not null
            then {ours("host_provider_name", "AWS")}
        end as host_provider_name,
        coalesce(
            service.service_name, product_attributes['product_name'], line_item_product_code, 'AWS'
        ) as service_name,
        case when meter_words is null
            then coalesce(service.service_category, {ours("service_category", "Other")})
            else {ours("service_category", "AI and Machine Learning")}
        end as service_category,
        case when meter_words is null
            then coalesce(
                service.service_subcategory, {ours("service_subcategory", "Other (Other)")}
            )
            else {ours("service_subcategory", "Generative AI")}
        end as service_subcategory,
        sku_id,
        case
            when sku_id is null then null
            when is_tokens then {as_map(METERS, "sku_meter")}[tokens.type]
            else {word("sku_meter", "line_item_usage_type")}
        end as sku_meter,
        sku_price_id,
        {SKU_PRICE_DETAILS} as sku_price_details,
        {TAGS} as tags,

        case
            when is_tokens then {ours("x_charge_kind", "tokens")}
            when {_IS_MACHINE} then {ours("x_charge_kind", "capacity")}
        end as x_charge_kind,
        tokens.model as x_model,
        case when is_tokens then tokens.type end as x_token_type,
        case when is_tokens then tokens.tier end as x_service_tier,
        -- Who called Bedrock: the ARN of a role's session or of a user.
        line_item_iam_principal as x_api_key_id,
        case when x_charge_kind = {ours("x_charge_kind", "capacity")}
            then cast(quantity * 3600000 as bigint)
        end as x_billed_milliseconds,
        case when x_charge_kind = {ours("x_charge_kind", "capacity")} then try_cast(
            coalesce(product_attributes['gpu'], product_attributes['physical_gpu']) as bigint
        ) end as x_gpu_count,
        case when getvariable('has_invoice_ids')
            then if(
                bill_invoice_id is null,
                {ours("x_finality", "provisional")},
                {ours("x_finality", "final")}
            )
        end as x_finality,
        {word("x_file", "x_file")} as x_file,
        x_row
    from costed
"""
