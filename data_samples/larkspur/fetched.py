"""When the vendors without much of their own are asked, and what they then say of a month."""

from decimal import ROUND_HALF_UP, Decimal

from .totals import CENT, Total

# A month is fetched while it is open, and again once it is closed.
EARLY, LATE = "20261030T060000Z", "20261103T060000Z"
HOURS = {"2026-10": 744, "2026-11": 54}
MONTHS = ("2026-10", "2026-11")
LAST_DAY = {"2026-10": 31, "2026-11": 3}


def fetches(month: str) -> list[str]:
    """When the answers about a month were fetched."""
    return [EARLY, LATE] if month == "2026-10" else [LATE]


def total(
    source: str, month: str, rows: int, cost: Decimal | None, tax: Decimal = Decimal(0), **more: str
) -> Total:
    """What was delivered of a month; the invoice is the same, rounded."""
    return Total(source, month, rows, cost, cost, tax, connector=source, location=source, **more)


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
