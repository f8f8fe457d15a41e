"""What expressions may call besides DuckDB's own functions; exact, none of it in floating point."""

# Whole millionths, and whole millionths of millionths, as text that a decimal can be cast from.
MACROS = {
    # The vendor's text as an exact number; '' is no number.
    "number": """
        create or replace temp macro number(amount) as
            cast(nullif(trim(cast(amount as varchar)), '') as decimal(38, 12))
    """,
    # Milliseconds of a number of hours, minutes or seconds: whole, rounded half up.
    "hours_to_ms": """
        create or replace temp macro hours_to_ms(hours) as
            cast(round(cast(number(hours) as decimal(30, 12)) * 3600000, 0) as bigint)
    """,
    "minutes_to_ms": """
        create or replace temp macro minutes_to_ms(minutes) as
            cast(round(cast(number(minutes) as decimal(30, 12)) * 60000, 0) as bigint)
    """,
    "seconds_to_ms": """
        create or replace temp macro seconds_to_ms(seconds) as
            cast(round(cast(number(seconds) as decimal(30, 12)) * 1000, 0) as bigint)
    """,
    # Hours of whole milliseconds, six decimals, half up: exact in whole numbers.
    "ms_to_hours": """
        create or replace temp macro ms_to_hours(milliseconds) as cast(
            cast((cast(milliseconds as hugeint) * 2000000 + 3600000) // 7200000 as varchar)
            || 'e-6' as decimal(38, 12)
        )
    """,
    # A number divided by a power of ten, such as tokens by 1,000,000.
    "shifted": """
        create or replace temp macro shifted(amount, places) as case
            when places = 0 then cast(amount as varchar)
            when contains(lower(cast(amount as varchar)), 'e')
                then split_part(lower(cast(amount as varchar)), 'e', 1) || 'e'
                    || cast(cast(split_part(lower(cast(amount as varchar)), 'e', 2) as integer)
                    - places as varchar)
            else cast(amount as varchar) || 'e-' || places
        end
    """,
    "millions": """
        create or replace temp macro millions(amount) as number(shifted(number(amount), 6))
    """,
    # A quantity of up to six decimals at a price of up to twelve.
    "cost_of": """
        create or replace temp macro cost_of(quantity, price) as
            cast(number(quantity) as decimal(20, 6)) * cast(number(price) as decimal(18, 12))
    """,
    "_is_priceable": """
        create or replace temp macro _is_priceable(price, quantity) as
            try_cast(price as decimal(20, 12)) is not null
            and try_cast(quantity as decimal(18, 6)) is not null
    """,
    # Where there is a price, list cost is price x quantity exactly: at most twelve decimals.
    "_fitting": """
        create or replace temp macro _fitting(price, quantity) as case
            when not _is_priceable(price, quantity) then null
            when cast(price as decimal(20, 12)) * cast(quantity as decimal(18, 6))
                = cast(cast(price as decimal(20, 12)) * cast(quantity as decimal(18, 6))
                    as decimal(38, 12))
                then price
            else cast(round(price, 6) as decimal(38, 12))
        end
    """,
    "_price_of": """
        create or replace temp macro _price_of(cost, quantity) as cast(
            cast(
                (2 * cast(cost * 1000000000000 as hugeint) + cast(quantity * 1000000 as hugeint))
                // (2 * cast(quantity * 1000000 as hugeint)) as varchar
            ) || 'e-6' as decimal(38, 12)
        )
    """,
    "_product": """
        create or replace temp macro _product(price, quantity) as cast(
            cast(price as decimal(20, 12)) * cast(quantity as decimal(18, 6)) as decimal(38, 12)
        )
    """,
}

# What maps of usage may call besides.
USAGE_MACROS = {
    # '12.0' is a whole number (JavaScript writes doubles), '12.5' is none and would be rounded.
    "whole_number": """
        create or replace temp macro whole_number(text) as if(
            try_cast(text as decimal(18, 3)) = try_cast(text as bigint),
            try_cast(text as bigint),
            null
        )
    """,
    # The sum of a JSON object's values whose keys match, NULL where none does. A value that is no
    # whole number, and a text that is no JSON, are given as they are, so that they are refused.
    "total_of": """
        create or replace temp macro total_of(object, keys) as list_transform(
            [list_filter(
                map_entries(coalesce(
                    try_cast(try_cast(object as json) as map(varchar, varchar)),
                    if(object is null, null, map {object: object})
                )),
                lambda entry: entry.value is not null
                    and (regexp_full_match(entry.key, keys) or entry.key = object)
            )],
            lambda found: if(len(found) = 0, null, coalesce(
                list_filter(found, lambda entry: whole_number(entry.value) is null)[1].value,
                cast(list_sum(list_transform(found, lambda entry: whole_number(entry.value)))
                    as varchar)
            ))
        )[1]
    """,
    # The name that OpenTelemetry's conventions give to a provider that gateways call otherwise.
    "provider_of": """
        create or replace temp macro provider_of(name) as case lower(name)
            when 'azure' then 'azure.ai.openai'
            when 'azure_openai' then 'azure.ai.openai'
            when 'azure_ai' then 'azure.ai.inference'
            when 'aws' then 'aws.bedrock'
            when 'bedrock' then 'aws.bedrock'
            when 'bedrock_converse' then 'aws.bedrock'
            when 'amazon_bedrock' then 'aws.bedrock'
            when 'vertex' then 'gcp.vertex_ai'
            when 'vertex_ai' then 'gcp.vertex_ai'
            when 'vertex_ai_beta' then 'gcp.vertex_ai'
            when 'google_vertexai' then 'gcp.vertex_ai'
            when 'gemini' then 'gcp.gemini'
            when 'google' then 'gcp.gemini'
            when 'google_genai' then 'gcp.gemini'
            when 'google-ai-studio' then 'gcp.gemini'
            when 'mistral' then 'mistral_ai'
            when 'mistralai' then 'mistral_ai'
            when 'xai' then 'x_ai'
            when 'x-ai' then 'x_ai'
            when 'cohere_chat' then 'cohere'
            when 'watsonx' then 'ibm.watsonx.ai'
            when 'moonshot' then 'moonshot_ai'
            when 'hosted_vllm' then 'vllm'
            when 'text-completion-openai' then 'openai'
            else lower(name)
        end
    """,
}
