"""What the platform measures of its shared services: log bytes by feature, cache reads by customer.

A file a month. Log bytes are daily, reads of the cache hourly on two days. One day's bytes came
twice, the second time to replace the first; a probe wrote a negative number and a NaN.
"""

import json
from pathlib import Path

from larkspur.company import CUSTOMER_WEIGHTS, CUSTOMERS, FEATURE_TEAMS, Period
from larkspur.draws import Draws
from larkspur.totals import Total
from larkspur.writing import write_rows, write_text

FOLDERS = ("allocation_drivers",)

COLUMNS = ("driver", "timestamp", "granularity", "element", "filter", "value", "operation")
# The account's log groups, as a rule may name them.
_LOGS = '{"service_name": "Amazon CloudWatch"}'
_FEATURE_WEIGHTS = {
    "ticket-reply": 34,
    "article-search": 21,
    "conversation-summary": 11,
    "ticket-triage": 26,
    "agent-assist": 9,
    "insights-report": 4,
}
_READ_DAYS = (6, 7)


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    folder, delivered = out / "allocation_drivers", 0
    for month, rows in _log_rows(period, draws).items():
        write_rows(COLUMNS, rows, folder / f"log_bytes-{month}.csv")
        delivered += len(rows)
    reads = _read_rows(period, draws)
    if reads:
        write_text("".join(json.dumps(row) + "\n" for row in reads), folder / "cache_reads.jsonl")
    total = Total(
        "allocation_drivers", "", delivered + len(reads), None, None,
        billing_currency="", connector="allocation_drivers", location="allocation_drivers",
    )  # fmt: skip
    return [total]


def _log_rows(period: Period, draws: Draws) -> dict[str, list[tuple[str, ...]]]:
    months: dict[str, list[tuple[str, ...]]] = {}
    for index, day in enumerate(period.dates()):
        rows = months.setdefault(f"{day:%Y-%m}", [])
        busy = 5 if day.weekday() < 5 else 2
        for feature, weight in _FEATURE_WEIGHTS.items():
            element = f"feature:{feature};team:{FEATURE_TEAMS[feature]}"
            size = busy * weight * (9_000_000 + draws.number("logs", feature, day) % 2_000_000)
            place = ("log_bytes", str(day), "DAILY", element, _LOGS)
            if index == 12:  # the shipper counted half of it before it was restarted
                rows.append((*place, str(size // 2), "sum"))
            rows.append((*place, str(size), "replace" if index == 12 else "sum"))
        if index == 20:
            probe = ("log_bytes", str(day), "DAILY", "team:platform", _LOGS)
            rows += [(*probe, "-1", "sum"), (*probe, "NaN", "sum")]
    return months


def _read_rows(period: Period, draws: Draws) -> list[dict[str, object]]:
    """Reads of the largest customers, an hour a row; an hour without reads has none."""
    rows: list[dict[str, object]] = []
    for index in (day for day in _READ_DAYS if day < period.days):
        for hour in range(24):
            for customer, weight in list(zip(CUSTOMERS, CUSTOMER_WEIGHTS, strict=True))[:8]:
                reads = weight * (draws.number("reads", index, hour, customer) % 5)
                if reads:
                    rows.append(
                        {
                            "stream": "cache_reads",
                            "timestamp": f"{period.dates()[index]}T{hour:02d}:00:00Z",
                            "granularity": "HOURLY",
                            "element": {"customer": customer},
                            "value": reads,
                        }
                    )
    return rows
