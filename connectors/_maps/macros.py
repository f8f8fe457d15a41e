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
