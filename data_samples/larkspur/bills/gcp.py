"""GCP: the project larkspur-ml as its billing export has it, in files that BigQuery wrote.

A GPU machine on weekdays, a small one that a flexible commitment covers, a nightly Gemini job,
storage, BigQuery, support and tax. Every file is a load of the table, and one was loaded twice.
October's last load came when November had begun: with late rows and corrections on its invoice.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from larkspur.company import Period
from larkspur.draws import Draws
from larkspur.gcp_rows import (
    A100,
    ANALYSIS,
    COMMITMENT,
    COMMITTED_PRICE,
    CUD_FEE,
    FLEXIBLE,
    GATEWAY,
    GEMINI,
    GEMINI_LONG,
    GEMINI_SEARCH,
    NOBODY,
    STORAGE,
    SUBSCRIPTION,
    SUPPORT,
    TAX,
    TRAINER,
    Row,
    Sku,
    rounded,
    row,
)
from larkspur.totals import Total
from larkspur.writing import to_json, write_gzip

FOLDERS = ("gcp",)

_COMMITTED_FROM = date(2026, 10, 30)
_TAX = Decimal("0.0825")


def _credit(kind: str, name: str, amount: Decimal) -> Row:
    return {"id": name, "full_name": name, "type": kind, "name": name, "amount": amount}


def _hour(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def trainer_rows(day: date, draws: Draws) -> list[Row]:
    """The GPU machine: some hours of a weekday, the last of them not a whole one."""
    if day.weekday() > 4:
        return []
    rows = []
    hours = 2 + draws.number("gcp", "hours", day) % 3
    for index in range(hours):
        seconds = 3600 if index < hours - 1 else 600 + draws.number("gcp", "last", day) % 2400
        for sku, units in TRAINER.skus:
            rows.append(
                row(
                    sku,
                    _hour(day, 13 + index),
                    units * seconds / 3600,
                    **TRAINER.columns(),
                    labels=[{"key": "team", "value": "knowledge"}],
                    tags=[
                        {
                            "key": "environment", "value": "production", "inherited": True,
                            "namespace": "731002948551",
                        }
                    ],
                )
            )  # fmt: skip
    return rows


def gateway_rows(day: date) -> list[Row]:
    """The small machine: covered by the commitment as far as that goes, and the fees for it."""
    rows = []
    for hour in range(24 if day >= _COMMITTED_FROM else 0):
        start = _hour(day, hour)
        for sku, units in GATEWAY.skus:
            # At night it sleeps: half the commitment is then nobody's.
            used = units if 5 <= hour < 21 else units / 4
            price = (sku.price * COMMITTED_PRICE).quantize(Decimal("1e-9"))
            covered = min(used, rounded(COMMITMENT[sku] / price))
            rows += _gateway_hour(sku, start, used - covered, covered, price)
    return rows


def _gateway_hour(
    sku: Sku, start: datetime, left: Decimal, covered: Decimal, price: Decimal
) -> list[Row]:
    machine = GATEWAY.columns() | {"labels": [{"key": "team", "value": "platform"}]}
    subscription = {"instance_id": SUBSCRIPTION}
    at_commitment = row(
        sku, start, covered, price=price, **machine,
        consumption_model=FLEXIBLE, subscription=subscription,
    )  # fmt: skip
    fee = row(
        CUD_FEE,
        start,
        COMMITMENT[sku],
        subscription=subscription,
        labels=[{"key": "goog-originating-sku-id", "value": sku.id}],
        credits=[
            _credit(
                "FEE_UTILIZATION_OFFSET", "Compute Flexible CUDs - 1 Year", -at_commitment["cost"]
            )
        ],
    )
    rest = [row(sku, start, left, **machine)] if left else []
    return [fee, at_commitment, *rest]


def gemini_rows(day: date, draws: Draws) -> list[Row]:
    """A nightly job that tags articles."""
    nightly = [*GEMINI, *([GEMINI_LONG] if day.weekday() == 6 else [])]
    labels = [{"key": "team", "value": "knowledge"}, {"key": "job", "value": "tag-articles"}]
    rows = []
    for sku, tokens in nightly:
        drawn = tokens * (700 + draws.number("gcp", sku.id, day) % 600) // 1000
        rows.append(row(sku, _hour(day, 2), Decimal(drawn), labels=labels))
    searches = draws.number("gcp", "searches", day) % 9
    rows.append(row(GEMINI_SEARCH, _hour(day, 2), Decimal(searches), labels=labels))
    return rows


def other_rows(day: date, draws: Draws) -> list[Row]:
    """Storage with a promotion, queries within and beyond what is free."""
    gib_months = Decimal(1240 + day.toordinal() % 97) / 30
    stored = row(STORAGE, _hour(day, 0), rounded(gib_months))
    stored["labels"] = [
        {"key": "bucket", "value": "larkspur-articles"},
        {"key": "note", "value": ""},
    ]
    if day.day <= 20:
        promotion = _credit("PROMOTION", "Startup program", rounded(-stored["cost"] / 2))
        stored["credits"] = [promotion]
    scanned = Decimal(draws.number("gcp", "scanned", day) % 90_000) / 1_000_000
    queried = row(ANALYSIS, _hour(day, 11), scanned)
    queried["labels"] = [{"key": "owner", "value": "Zoë “reports” O'Neill"}]
    free = rounded(-queried["cost"] * (3 if day.day < 12 else 1) / 3)
    queried["credits"] = [_credit("FREE_TIER", "BigQuery free tier", free)] if free else []
    return [stored, queried]


def _net(rows: list[Row]) -> Decimal:
    credits = [credit["amount"] for item in rows for credit in item["credits"]]
    return sum([*(item["cost"] for item in rows), *credits], Decimal(0))


def month_end_rows(rows: list[Row], month: str, day: date) -> list[Row]:
    """Support, of no project; tax on the project; what rounding left."""
    start = _hour(day, 23)
    support = row(SUPPORT, start, Decimal(1), project=NOBODY)
    mine = [item for item in rows if item["invoice"]["month"] == month]
    tax = row(TAX, start, Decimal(0), price=Decimal(0), cost_type="tax")
    tax |= {
        "cost": rounded(_net(mine) * _TAX),
        "price": None,
        "usage": None,
        "transaction_type": None,
    }
    left = row(STORAGE, start, Decimal(0), cost_type="rounding_error", transaction_type=None)
    left |= {"cost": Decimal("0.000004"), "price": None, "usage": None}
    return [item | {"invoice": {"month": month, "publisher_type": "GOOGLE"}}
            for item in (support, tax, left)]  # fmt: skip


def _adjusted(item: Row, factor: Decimal, kind: str, description: str) -> Row:
    usage = item["usage"] and {
        **item["usage"],
        **{name: item["usage"][name] * factor for name in ("amount", "amount_in_pricing_units")},
    }
    costs = ("cost", "cost_at_list", "cost_at_effective_price_default")
    return {
        **item,
        **{name: rounded(item[name] * factor) for name in costs},
        "usage": usage,
        "invoice": {"month": "202611", "publisher_type": "GOOGLE"},
        "adjustment_info": {
            "id": f"adj-{kind.lower()}", "description": description,
            "mode": "COMPLETE_NEGATION_WITH_REMONETIZATION", "type": kind,
        },
        "export_time": "2026-11-03 18:20:11.000481 UTC",
    }  # fmt: skip


def correction_rows(october: list[Row], draws: Draws) -> list[Row]:
    """On November's invoice, of October: late rows, usage taken back and billed anew, goodwill."""
    late = row(ANALYSIS, datetime(2026, 10, 31, 17, tzinfo=UTC), Decimal("0.031"))
    late |= {"invoice": {"month": "202611", "publisher_type": "GOOGLE"},
             "export_time": "2026-11-03 18:20:11.000481 UTC"}  # fmt: skip
    wrong = [item for item in october if item["sku"]["id"] == A100.id][-2:]
    why = "Usage was measured twice"
    back = [_adjusted(item, Decimal(-1), "USAGE_CORRECTION", why) for item in wrong]
    anew = [_adjusted(item, Decimal("0.5"), "USAGE_CORRECTION", why) for item in wrong]
    start = _hour(date(2026, 11, 2), 12)
    goodwill = row(STORAGE, start, Decimal(0), cost_type="adjustment")
    goodwill |= {
        "usage": None,
        "price": None,
        "cost": Decimal("-2.5"),
        "adjustment_info": {
            "id": f"adj-{draws.hexadecimal(8, 'gcp', 'goodwill')}",
            "description": "Goodwill for an incident", "mode": "MANUAL_ADJUSTMENT",
            "type": "GOODWILL",
        },
    }  # fmt: skip
    return [late, *back, *anew, goodwill]


@dataclass
class _Loads:
    rows: dict[str, list[Row]] = field(default_factory=dict)

    def add(self, load: str, rows: list[Row]) -> None:
        self.rows.setdefault(load, []).extend(rows)


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    """Writes the loads; returns a total an invoice month."""
    loads = _Loads()
    everything: list[Row] = []
    for day in period.dates():
        rows = [
            *trainer_rows(day, draws),
            *gateway_rows(day),
            *gemini_rows(day, draws),
            *other_rows(day, draws),
        ]
        loads.add("2026-10-16" if day < date(2026, 10, 16) else "2026-11-04", rows)
        everything += rows
    last = period.dates()[-1]
    corrections = correction_rows(everything, draws)
    ends = [
        *month_end_rows(everything, "202610", min(last, date(2026, 10, 31))),
        *(month_end_rows(everything + corrections, "202611", last) if last.month == 11 else []),
    ]
    loads.add("2026-11-04", ends)
    if last.month == 11:
        loads.add("2026-11-04-late", corrections)
        loads.add("2026-11-05-late", corrections)
    _write_loads(loads.rows, out)
    delivered = everything + ends + (corrections if last.month == 11 else [])
    return _totals(delivered)


def _write_loads(loads: dict[str, list[Row]], out: Path) -> None:
    for load, rows in loads.items():
        lines = (" ".join(part.strip() for part in to_json(item).split("\n")) for item in rows)
        write_gzip("".join(f"{line}\n" for line in lines), out / "gcp" / f"load-{load}.json.gz")


def _totals(rows: list[Row]) -> list[Total]:
    totals = []
    for month in sorted({item["invoice"]["month"] for item in rows}):
        mine = [item for item in rows if item["invoice"]["month"] == month]
        tax = sum((item["cost"] for item in mine if item["cost_type"] == "tax"), Decimal(0))
        period = f"{month[:4]}-{month[4:]}"
        net = _net(mine)
        totals.append(
            Total("gcp", period, len(mine), net, net, tax,
                  connector="gcp_billing_export", location="gcp")
        )  # fmt: skip
    return totals
