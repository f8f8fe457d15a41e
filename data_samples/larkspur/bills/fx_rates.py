"""Exchange rates as a central bank publishes them: a file a month, no weekends."""

from datetime import date
from decimal import Decimal
from pathlib import Path

from larkspur.company import Period
from larkspur.draws import Draws
from larkspur.totals import Total
from larkspur.writing import write_rows

FOLDERS = ("fx_rates",)

COLUMNS = ("rate_date", "from_currency", "to_currency", "rate")
# Where a pair begins, and the greatest step of a day.
_PAIRS = {"EUR": (Decimal("1.1642"), 60), "CAD": (Decimal("0.7183"), 30)}


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    rates = {pair: start for pair, (start, _) in _PAIRS.items()}
    months: dict[str, list[tuple[date, str, str, Decimal]]] = {}
    for day in period.dates():
        if day.weekday() >= 5:
            continue
        for pair, (_, step) in _PAIRS.items():
            moved = draws.number("fx", pair, day) % (2 * step + 1) - step
            rates[pair] += Decimal(moved) / 10000
            months.setdefault(f"{day:%Y-%m}", []).append((day, pair, "USD", rates[pair]))
    for month, rows in months.items():
        write_rows(COLUMNS, rows, out / "fx_rates" / f"{month}.csv")
    delivered = sum(len(rows) for rows in months.values())
    return [
        Total(
            "fx_rates", "", delivered, None, None,
            billing_currency="", connector="fx_rates", location="fx_rates",
        )
    ]  # fmt: skip
