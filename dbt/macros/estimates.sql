{# Joins the prices of the moment to attempts that have the columns label, service_tier, minute,
   input_tokens and listed_label (the label where a price can apply, else NULL: a condition of one side
   would keep the join from hashing). #}
{% macro join_prices() -%}
    left join {{ ref('int_list_prices') }} as list_prices
        on
            attempts.provider_name is not distinct from list_prices.provider_name
            and attempts.listed_label = list_prices.label
            and attempts.service_tier = list_prices.service_tier
            and attempts.charge_date >= list_prices.valid_from
            and attempts.charge_date < list_prices.valid_to
            and attempts.minute >= list_prices.minute_from
            and attempts.minute < list_prices.minute_to
            and attempts.input_tokens > list_prices.input_over
            and attempts.input_tokens <= list_prices.input_up_to
    left join {{ ref('int_contract_prices') }} as contracts
        on
            attempts.provider_name = contracts.provider_name
            and attempts.listed_label = contracts.label
            and attempts.service_tier = contracts.service_tier
            and attempts.charge_date >= contracts.valid_from
            and attempts.charge_date < contracts.valid_to
{%- endmacro %}

{# What price of a meter holds: the contract's, else the list's, which is in USD. #}
{% macro price_of(meter) -%}
    coalesce(
            contracts.{{ meter }}_price,
            if(coalesce(contracts.billing_currency, 'USD') = 'USD', list_prices.{{ meter }}_price, null)
        )
{%- endmacro %}

{# What decides the price of an attempt: the minute of the day and the size of its prompt. #}
{% macro priced_minute() -%}
    epoch_us(attempts.ended_at) // 60000000 % 1440
{%- endmacro %}

{% macro prompt_tokens() -%}
    coalesce(attempts.uncached_input_tokens, 0) + coalesce(attempts.cache_read_tokens, 0)
        + coalesce(attempts.cache_write_5m_tokens, 0) + coalesce(attempts.cache_write_1h_tokens, 0)
        + coalesce(attempts.audio_input_tokens, 0)
{%- endmacro %}

{# The estimate of a token bucket in whole 10^-12 of a unit: reasoning is part of the output. NULL
   where a price or the count is not known; no tokens cost nothing at any price. #}
{% macro bucket_estimate(token_type) -%}
    {%- if token_type == 'output' -%}
    case
            when output_quantity + reasoning_quantity = 0 then 0
            else coalesce(output_quantity * output_price, if(output_quantity = 0, 0, null))
            + coalesce(reasoning_quantity * reasoning_price, if(reasoning_quantity = 0, 0, null))
        end
    {%- else -%}
    coalesce({{ token_type }}_quantity * {{ token_type }}_price, if({{ token_type }}_quantity = 0, 0, null))
    {%- endif -%}
{%- endmacro %}

{# Attempts with the price and the quantity of each meter. The relation has the columns that
   join_prices reads, token_line_id and the token counts. #}
{% macro metered_attempts(relation) -%}
    select
        attempts.attempt_id,
        attempts.charge_date,
        attempts.token_line_id,
        {% for token_type in token_types() -%}
        attempts.{{ token_type }}_tokens,
        {% endfor -%}
        coalesce(contracts.billing_currency, 'USD') as price_currency
        {%- for meter in priced_meters() %},
        {{ price_of(meter) }} as {{ meter }}_price,
        {{ metered_quantity(meter) }} as {{ meter }}_quantity
        {%- endfor %}
    from {{ relation }} as attempts
    {{ join_prices() }}
{%- endmacro %}
