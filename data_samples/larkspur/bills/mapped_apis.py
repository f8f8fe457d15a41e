"""What APIs of models and functions answer about their bills, each in its vendor's own form."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from larkspur.company import Period
from larkspur.draws import Draws
from larkspur.fetched import EARLY, LATE, MONTHS, fetches, total
from larkspur.totals import Total
from larkspur.writing import write_json, write_rows

FOLDERS = ("modal", "together", "mistral", "fireworks")
UNTIL = {EARLY: date(2026, 10, 29), LATE: date(2026, 11, 3)}


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    days = period.dates()
    return [
        *_modal(days, draws, out / "modal"),
        *_together(days, draws, out / "together"),
        *_mistral(days, draws, out / "mistral"),
        *_fireworks(days, draws, out / "fireworks"),
    ]


def _of(days: list[date], month: str, fetched_at: str = LATE) -> list[date]:
    return [day for day in days if f"{day:%Y-%m}" == month and day <= UNTIL[fetched_at]]


# --- Modal: the command line's report and summary -------------------------------------------------

RESOURCES = [("GPU H100", 1097, 4000), ("CPU", 131, 300), ("Memory", 22, 90)]


def _modal(days: list[date], draws: Draws, folder: Path) -> list[Total]:
    totals = []
    for month in MONTHS:
        for fetched_at in fetches(month):
            rows: list[dict[str, object]] = []
            metered = Decimal(0)
            for day in _of(days, month, fetched_at):
                for resource, least, span in RESOURCES:
                    ten_thousandths = least + draws.number("modal", day, resource) % span
                    cost = Decimal(ten_thousandths) / 1000 + Decimal("0.00000000000001")
                    metered += cost
                    rows.append(
                        {
                            "object_id": "ap-7Zc1nQp0vXw3eRtYuIoPaS",
                            "description": "insights-batch",
                            "environment": "main",
                            "interval_start": f"{day}",
                            "resource": resource,
                            "cost": f"{cost:f}",
                            "tags": '{"team": "knowledge"}',
                        }
                    )
            adjustments = {"plan_credits": Decimal("-30"), "volume_storage": Decimal("-0.125")}
            billed = metered + sum(adjustments.values(), Decimal(0))
            place = folder / month / fetched_at
            write_json(rows, place / "report.json")
            summary = {
                "metered_cost": f"{metered:f}",
                "billed_cost": f"{billed:f}",
                "adjustments": {name: f"{amount:f}" for name, amount in adjustments.items()},
                "metered_cost_breakdown": {"apps": f"{metered:f}"},
            }
            write_json(summary, place / "summary.json")
        totals.append(total("modal", month, len(rows) + len(adjustments), billed))
    return totals


# --- Together: windows of line items --------------------------------------------------------------

LLAMA = "meta-llama/Llama-3.3-70B-Instruct-Turbo"


def _together(days: list[date], draws: Draws, folder: Path) -> list[Total]:
    totals = []
    for month in MONTHS:
        for fetched_at in fetches(month):
            windows = [_window(day, draws) for day in _of(days, month, fetched_at)]
            pages = [windows[at : at + 16] for at in range(0, len(windows), 16)]
            for number, page in enumerate(pages, start=1):
                answer = {
                    "object": "list",
                    "organization_id": "org_larkspur",
                    "billing_period": month,
                    "currency": "USD",
                    "earliest_window_start": f"{month}-01T00:00:00Z",
                    "latest_window_end": windows[-1]["end_time"],
                    "next_cursor": f"cursor_{number}" if number < len(pages) else None,
                    "data": page,
                }
                write_json(answer, folder / month / fetched_at / f"usage-{number:04d}.json")
        items = [item for window in windows for item in _items(window)]
        cost = sum((Decimal(str(item["cost"])) for item in items), Decimal(0))
        totals.append(total("together", month, len(items), cost))
    return totals


def _items(window: dict[str, object]) -> list[dict[str, object]]:
    items = window["line_items"]
    assert isinstance(items, list)
    return items


def _window(day: date, draws: Draws) -> dict[str, object]:
    draw = draws.number("together", day)
    following = date.fromordinal(day.toordinal() + 1)
    items = [
        _line("Serverless Inference - Input Tokens", 900_000 + draw % 700_001, "0.00000088"),
        _line("Serverless Inference - Output Tokens", 80_000 + draw // 7 % 90_001, "0.00000088"),
    ]
    # A prepaid contract covers the first days, a promotion one day.
    if day.day <= 4:
        for item in items:
            item["applied_credit"] = {"type": "PREPAID"}
    if day.day == 12:
        items[0]["applied_credit"] = {"type": "CREDIT"}
    if day == date(2026, 10, 20):
        items.append(
            {
                "product_name": "GPU Cluster - H100",
                "quantity": "16",
                "unit_price": "2.50",
                "cost": "40.00",
                "pricing_dimensions": {},
                "attributes": {"cluster_id": "c-larkspur-1", "project_id": "p-insights"},
            }
        )
    return {
        "date": f"{day}",
        "start_time": f"{day}T00:00:00Z",
        "end_time": f"{following}T00:00:00Z",
        "line_items": items,
    }


def _line(product: str, tokens: int, price: str) -> dict[str, object]:
    return {
        "product_name": product,
        "quantity": str(tokens),
        "unit_price": price,
        "cost": f"{tokens * Decimal(price):f}",
        "pricing_dimensions": {"model": LLAMA},
        "attributes": {"project_id": "p-insights"},
    }


# --- Mistral: quantities and a price list, in euros -----------------------------------------------

MODEL = "mistral-small-latest::mistral-small-2506"
PRICES = [
    # meter, group, price of one
    ("input_tokens", "mistral-small", Decimal("0.00000009")),
    ("output_tokens", "mistral-small", Decimal("0.00000027")),
    ("ocr_pages", "mistral-ocr", Decimal("0.0009")),
]


def _mistral(days: list[date], draws: Draws, folder: Path) -> list[Total]:
    totals = []
    for month in MONTHS:
        for fetched_at in fetches(month):
            entries: dict[str, list[dict[str, object]]] = {name: [] for name, _, _ in PRICES}
            cost = Decimal(0)
            for day in _of(days, month, fetched_at):
                draw = draws.number("mistral", day)
                amounts = [20_000_000 + draw % 9_000_000, 2_000_000 + draw % 900_000, draw % 90]
                for (name, group, price), value in zip(PRICES, amounts, strict=True):
                    # The first pages of a month are free.
                    paid = 0 if name == "ocr_pages" and day.day == 1 else value
                    cost += paid * price
                    entries[name].append(
                        {
                            "billing_metric": name,
                            "billing_group": group,
                            "timestamp": f"{day}",
                            "value": value,
                            "value_paid": paid,
                        }
                    )
            write_json(_usage(month, entries), folder / month / fetched_at / "usage.json")
        rows = sum(len(listed) for listed in entries.values())
        totals.append(total("mistral", month, rows, cost, billing_currency="EUR"))
    return totals


def _usage(month: str, entries: dict[str, list[dict[str, object]]]) -> dict[str, object]:
    last = 31 if month == "2026-10" else 30
    meters = {"input": entries["input_tokens"], "output": entries["output_tokens"]}
    return {
        "chat": {"models": {}},
        "completion": {"models": {MODEL: meters}},
        "ocr": {"models": {"mistral-ocr-latest": {"input": entries["ocr_pages"]}}},
        "audio": {"models": {}},
        "connectors": {"models": {}},
        "libraries_api": {"pages": {"models": {}}, "tokens": {"models": {}}},
        "fine_tuning": {"training": {}, "storage": {}},
        "vibe_usage": 0,
        "start_date": f"{month}-01T00:00:00Z",
        "end_date": f"{month}-{last}T23:59:59Z",
        "currency": "EUR",
        "currency_symbol": "€",
        "prices": [
            {"billing_metric": name, "billing_group": group, "price": f"{price:f}"}
            for name, group, price in PRICES
        ],
    }


# --- Fireworks: metrics without money -------------------------------------------------------------

METRIC_COLUMNS = (
    "email", "start_time", "end_time", "usage_type", "accelerator_type", "accelerator_seconds",
    "base_model_name", "model_bucket", "parameter_count", "prompt_tokens", "completion_tokens",
)  # fmt: skip

A_TOKEN, A_SECOND = Decimal("0.90") / 1_000_000, Decimal("0.000806")


def _fireworks(days: list[date], draws: Draws, folder: Path) -> list[Total]:
    """What a rate card makes of the meters is what the invoice says."""
    totals = []
    for month in MONTHS:
        rows, lines, owed = [], 0, Decimal(0)
        for day in _of(days, month):
            draw = draws.number("fireworks", day)
            times = [f"{day} 00:00:00 UTC", f"{date.fromordinal(day.toordinal() + 1)} 00:00:00 UTC"]
            prompt, completion = 1_500_000 + draw % 400_000, draw % 300_000
            rows.append(
                ["ana@larkspur.example", *times, "TEXT_COMPLETION_INFERENCE_USAGE", "", 0,
                 "llama-v3p3-70b-instruct", "Llama 3 70B", 70_553_706_496, prompt, completion]
            )  # fmt: skip
            owed += (prompt + completion) * A_TOKEN
            lines += 2
            if day.weekday() == 3:
                seconds = 3_600 + draw % 3_000
                rows.append(
                    ["ben@larkspur.example", *times, "ON_DEMAND_DEPLOYMENT_USAGE",
                     "NVIDIA_A100_80GB", seconds, "", "", 0, 0, 0]
                )  # fmt: skip
                owed += seconds * A_SECOND
                lines += 1
        write_rows(METRIC_COLUMNS, rows, folder / f"billing-metrics-{month}.csv")
        totals.append(
            Total("fireworks", month, lines, None, owed.quantize(Decimal("0.01"), ROUND_HALF_UP),
                  connector="fireworks", location="fireworks")
        )  # fmt: skip
    return totals
