"""How an amount is written for people."""

from decimal import Decimal


def shown(amount: Decimal) -> str:
    """Return all digits that say something, at least cents, and never an exponent."""
    whole, _, decimals = f"{amount:f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}" if decimals else whole
