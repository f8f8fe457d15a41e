"""Bills of two model vendors, and of a fictional host that only a map of one's own can read."""

from datetime import date
from decimal import Decimal
from pathlib import Path

from larkspur.company import Period
from larkspur.draws import Draws
from larkspur.fetched import EARLY, MONTHS, cents, fetches, total
from larkspur.totals import Total
from larkspur.writing import write_json, write_text

FOLDERS = ("baseten", "xai", "hosting")


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    days = period.dates()
    return [
        *_baseten(days, draws, out / "baseten"),
        *_xai(draws, out / "xai"),
        *_hosting(out / "hosting"),
    ]


# --- Baseten: a summary by product, resource and day ----------------------------------------------


def _baseten(days: list[date], draws: Draws, folder: Path) -> list[Total]:
    totals = []
    for month in MONTHS:
        for fetched_at in fetches(month):
            until = date(2026, 10, 29) if fetched_at == EARLY else days[-1]
            of_month = [day for day in days if f"{day:%Y-%m}" == month and day <= until]
            dedicated = _dedicated(of_month, draws)
            models = _model_apis(of_month, draws)
            answer: dict[str, object] = {"training_usage": None}
            cost, rows = Decimal(0), 0
            for name, daily, resource, credit in (
                ("dedicated_usage", dedicated, _resource(), "20.00"),
                ("model_apis_usage", models, _model(), "0"),
            ):
                subtotal = sum((Decimal(str(day["subtotal"])) for day in daily), Decimal(0))
                item = {**resource, "subtotal": f"{subtotal}", "daily": daily}
                answer[name] = {
                    "subtotal": f"{subtotal}",
                    "credits_used": credit,
                    "total": f"{subtotal - Decimal(credit)}",
                    "breakdown": [item],
                }
                cost += subtotal - Decimal(credit)
                rows += len(daily) + (Decimal(credit) != 0)
            write_json(answer, folder / month / fetched_at / "usage_summary.json")
        totals.append(total("baseten", month, rows, cost))
    return totals


def _dedicated(days: list[date], draws: Draws) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = []
    for day in days:
        minutes = 30 + draws.number("baseten", day) % 60
        subtotal = f"{minutes * Decimal('0.10833'):.4f}"
        # The vendor writes some numbers as text, some not.
        amount: object = subtotal if day.day % 2 else Decimal(subtotal)
        listed.append(
            {"date": f"{day}", "subtotal": amount, "minutes": minutes, "inference_requests": 4}
        )
    return listed


def _model_apis(days: list[date], draws: Draws) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = []
    for day in days:
        tokens = 300_000 + draws.number("baseten tokens", day) % 200_000
        listed.append(
            {
                "date": f"{day}",
                "subtotal": f"{tokens * Decimal('0.00000077') + Decimal('0.03')}",
                "input_tokens": tokens,
                "output_tokens": 13_000,
            }
        )
    return listed


def _resource() -> dict[str, object]:
    return {
        "billable_resource": {
            "id": "dep-4x9k2",
            "kind": "MODEL_DEPLOYMENT",
            "name": "reranker",
            "model_id": "m-31",
            "model_name": "bge-reranker",
            "instance_type": "1x H100",
            "environment_name": "production",
            "team_name": "knowledge",
            "is_deleted": False,
        }
    }


def _model() -> dict[str, object]:
    return {"model_name": "deepseek-v3", "model_family": "deepseek"}


# --- xAI: the preview of an invoice, in cents -----------------------------------------------------

LINES = [
    # model, unit, units of a month, cents
    ("API grok-4.3", "Prompt text tokens", 9_400_000, 2_820),
    ("API grok-4.3", "Cached prompt text tokens", 2_100_000, 158),
    ("API grok-4.3", "Completion text tokens", 610_000, 915),
    ("API Live Search", "Sources", 412, 103),
]


def _xai(draws: Draws, folder: Path) -> list[Total]:
    totals = []
    for month in MONTHS:
        for fetched_at in fetches(month):
            part = 10 if fetched_at == EARLY or month == "2026-11" else 11
            divisor = 10 if month == "2026-10" else 100
            lines, owed = [], 0
            for model, unit, units, amount in LINES:
                amount = amount * part // divisor + draws.number("xai", month, unit) % 9
                owed += amount
                lines.append(
                    {
                        "description": model,
                        "unitType": unit,
                        "numUnits": str(units * part // divisor),
                        "amount": str(amount),
                        "clusterName": "us-east-1",
                    }
                )
            tax = owed * 8 // 100
            invoice = {
                "lines": lines,
                "amountBeforeVat": str(owed),
                "vatCost": str(tax),
                "amountAfterVat": str(owed + tax),
                "prepaidCredits": {"val": "0"},
                "prepaidCreditsUsed": {"val": "0"},
            }
            answer = {
                "coreInvoice": invoice,
                "effectiveSpendingLimit": "20000",
                "defaultCredits": "0",
                "billingCycle": {"year": 2026, "month": int(month[-2:])},
            }
            write_json(answer, folder / month / fetched_at / "preview.json")
        cost, of_tax = Decimal(owed + tax).scaleb(-2), Decimal(tax).scaleb(-2)
        totals.append(total("xai", month, len(lines) + 1, cost, of_tax))
    return totals


# --- a host that exists as little as Larkspur Desk ------------------------------------------------

HOSTED = [
    # text, quantity, unit, price in euros
    ("Server GX-2 (RTX 4000 Ada), Rack 7", 1, "Monat", Decimal("1184.90")),
    ("Traffic jenseits der Inklusivmenge", 3, "TB", Decimal("1.19")),
    ("Remote Hands; 15 min", 2, "mal", Decimal("24.5")),
]
MAP = r"""title: Nordhain Rechenzentrum, invoice CSV
documentation: https://nordhain.example/rechnung
about:
  vendor: Nordhain Rechenzentrum
  kind: gpu
  interface: the invoice's CSV, as the customer portal gives it
  granularity: position and month
  restated: nothing
  cannot_tell: the hours of a day
  tested_with: an invented sample

files: {delimiter: ";", skip: 2}
where: Pos is not null

money:
  Betrag: {symbol: "€", thousands: ".", decimal: ","}
times:
  Von: {format: "%d.%m.%Y", zone: Europe/Berlin}
  Bis: {format: "%d.%m.%Y", zone: Europe/Berlin, inclusive: day}

categories:
  - {column: Leistung, matches: "Umsatzsteuer", category: Tax}
  - {column: Leistung, matches: "Gutschrift", category: Credit}
  - {category: Usage}

charges:
  billed_cost: Betrag
  charge_period_start: Von
  charge_period_end: Bis
  charge_description: Leistung
  sub_account_id: Kostenstelle

constants:
  billing_currency: EUR
  billing_account_id: K-20417
  service_category: Compute
  service_name: Nordhain Hosting

control_total:
  pattern: 'Rechnungsbetrag:\s*([-0-9.,]+ €)'
  money: {symbol: "€", thousands: ".", decimal: ","}
"""


def _hosting(folder: Path) -> list[Total]:
    write_text(MAP, folder / "map.yml")
    totals = []
    for month in ("2026-10",):
        year, number = month.split("-")
        start, end = f"01.{number}.{year}", f"31.{number}.{year}"
        lines, net = [], Decimal(0)
        for position, (text, quantity, _, price) in enumerate(HOSTED, start=1):
            amount = cents(quantity * price)
            net += amount
            lines.append(f'{position};"{text}";{start};{end};{_euros(amount)};platform')
        net -= Decimal("12.5")
        lines.append(f"4;Gutschrift SLA;{start};{end};{_euros(Decimal('-12.5'))};platform")
        tax = cents(net * Decimal("0.19"))
        lines.append(f"5;Umsatzsteuer 19 %;{start};{end};{_euros(tax)};")
        lines.append(f";Summe;;;{_euros(net + tax)};")
        head = f"Rechnung NH-{year}{number}-0417\nRechnungsbetrag: {_euros(net + tax)}\n"
        columns = "Pos;Leistung;Von;Bis;Betrag;Kostenstelle\n"
        text = head + columns + "\n".join(lines) + "\n"
        write_text(text, folder / f"rechnung-{month}.csv")
        totals.append(
            Total("hosting", month, len(lines) - 1, net + tax, net + tax, tax, "EUR",
                  "invoice_mapping", "hosting")
        )  # fmt: skip
    return totals


def _euros(amount: Decimal) -> str:
    return f"{amount:,.2f} €".translate(str.maketrans(",.", ".,"))
