"""What one unit of a costed line costs, and of what: FOCUS's unit prices and SKU price details."""


def unit_price(rate: str, cost: str) -> str:
    """Return the price of one unit: AWS's rate where rate × quantity is the cost.

    AWS prints the rate of the highest tier on every tiered row; there the price is the quotient,
    divided as whole numbers.
    """
    trillion = "1000000000000"
    price = f"if(is_tokens, {rate} * units_a_priced_unit, {rate})"
    near = f"cast({price} as double) * cast(quantity as double) - cast({cost} as double)"
    return f"""case
            when sku_price_id is null then null
            -- Doubles tell nearly all; what they leave open is told exactly.
            when abs({near}) <= 0.0000000005::double * greatest(abs(cast({cost} as double)), 1)
                then {price}
            when abs({price} * quantity - {cost}) <= greatest(abs({cost}), 1) * 0.000000001
                then {price}
            when {cost} * sign(quantity) > 0
                then cast(
                    cast({cost} * {trillion} as hugeint) * {trillion}
                    // cast(quantity * {trillion} as hugeint) as decimal(38, 0)
                ) * 0.000000000001
        end"""


SKU_PRICE_DETAILS = """
        -- Patching an empty object drops what is null.
        case
            when is_tokens then json_merge_patch('{}', json_object(
                'x_ModelId', tokens.model,
                'x_TokenDirection', if(contains(tokens.type, 'output'), 'Output', 'Input'),
                'x_TokenCacheAction', case
                    when starts_with(tokens.type, 'cache_read') then 'Read'
                    when starts_with(tokens.type, 'cache_write') then 'Write'
                end,
                'x_ServiceTier', coalesce(tokens.tier, 'standard'),
                'x_InferenceScope', tokens.scope
            ))
            when sku_price_id is not null and product_instance_type is not null
                then json_merge_patch('{}', json_object(
                    'InstanceType', product_instance_type,
                    'CoreCount', try_cast(product_attributes['vcpu'] as integer),
                    'GpuCount', try_cast(product_attributes['gpu'] as integer),
                    'MemorySize',
                    try_cast(replace(product_attributes['memory'], ' GiB', '') as double),
                    'OperatingSystem', product_attributes['operating_system']
                ))
        end
"""
