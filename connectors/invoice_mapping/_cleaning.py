"""A column's text as a plain number, or as an instant in UTC; what is neither is marked."""

import re

from connectors._maps.expressions import identifier
from connectors._maps.times import instant_sql
from connectors._sql import quoted
from connectors.invoice_mapping._map import Money, Time

# Text that a decimal can be cast from.
PLAIN_NUMBER = r"-?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?"
# What stands before a text that cannot be read.
UNREADABLE = "? "
_MINUS = "−"  # as some vendors typeset their invoices


def money_sql(column: str, money: Money) -> str:
    """Return SQL for the plain number in a column; NULL where it is blank."""
    text = f"nullif(trim({identifier(column)}), '')"
    number = f"replace({text}, {quoted(_MINUS)}, '-')"
    if money.symbol:
        number = f"replace({number}, {quoted(money.symbol)}, '')"
    number = f"trim({number})"
    number = rf"regexp_replace({number}, '^\(\s*([^()-]*)\s*\)$', '-\1')"
    number = rf"regexp_replace({number}, '^([^-]+)-$', '-\1')"
    number = rf"regexp_replace({number}, '^([+-]?)\s*', '\1')"
    number = f"regexp_replace({number}, '^[+]', '')"
    return (
        f"case when regexp_full_match({number}, {quoted(_written(money))}) "
        f"then shifted({_signed(_separated(number, money), money.sign)}, {money.places}) "
        f"else {quoted(UNREADABLE)} || {text} end"
    )


def _written(money: Money) -> str:
    """Return the pattern of a number as this vendor writes it, without symbol and with one sign."""
    point = re.escape(money.decimal)
    whole = r"\d+"
    if money.thousands:
        whole = rf"(\d{{1,3}}({re.escape(money.thousands)}\d{{3}})+|\d+)"
    return rf"-?({whole}({point}\d*)?|{point}\d+)([eE][-+]?\d+)?"


def _separated(number: str, money: Money) -> str:
    if money.thousands:
        number = f"replace({number}, {quoted(money.thousands)}, '')"
    return number if money.decimal == "." else f"replace({number}, {quoted(money.decimal)}, '.')"


def _signed(number: str, sign: int) -> str:
    if sign == 1:
        return number
    return f"if(starts_with({number}, '-'), substr({number}, 2), '-' || {number})"


def time_sql(column: str, time: Time) -> str:
    """Return SQL for the instant in a column as UTC text; NULL where it is blank."""
    text = f"nullif(trim({identifier(column)}), '')"
    instant = instant_sql(text, time.format, time.zone)
    if time.inclusive:
        instant = f"({instant} + interval 1 {time.inclusive})"
    return f"coalesce(cast({instant} as varchar), {quoted(UNREADABLE)} || {text})"
