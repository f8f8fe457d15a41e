"""Bills of rented GPUs as their vendors' APIs and dashboards give them, and one written by hand."""

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from larkspur.company import Period
from larkspur.draws import Draws
from larkspur.fetched import EARLY, HOURS, MONTHS, fetches, total
from larkspur.totals import Total
from larkspur.writing import write_json, write_rows

FOLDERS = ("vast", "lambda", "hyperstack", "crusoe")


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    days = period.dates()
    return [
        *_vast(days, draws, out / "vast"),
        *_lambda(days, out / "lambda"),
        *_hyperstack(out / "hyperstack"),
        *_crusoe(days, draws, out / "crusoe"),
    ]


# --- Vast.ai: charges a day and instance ----------------------------------------------------------


def _vast(days: list[date], draws: Draws, folder: Path) -> list[Total]:
    totals = []
    for month in MONTHS:
        for fetched_at in fetches(month):
            until = date(2026, 10, 29) if fetched_at == EARLY else days[-1]
            charges = [
                charge
                for day in days
                if f"{day:%Y-%m}" == month and day <= until
                for charge in _charges(day, draws)
            ]
            pages = [charges[at : at + 20] for at in range(0, len(charges), 20)]
            for number, page in enumerate(pages, start=1):
                answer = {
                    "success": True,
                    "count": len(page),
                    "total": len(charges),
                    "next_token": f"t{number}" if number < len(pages) else None,
                    "results": page,
                }
                write_json(answer, folder / month / fetched_at / f"charges-{number:04d}.json")
        cost = sum((Decimal(str(charge["amount"])) for charge in charges), Decimal(0))
        totals.append(total("vast", month, len(charges), cost))
    return totals


def _charges(day: date, draws: Draws) -> list[dict[str, object]]:
    """An evaluation instance on working days, a volume always, an endpoint now and then."""
    moment = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    charges = [_charge("volume", 41877, moment, Decimal("0.192"), [], "weights")]
    if day.weekday() < 5:
        hours = Decimal(draws.number("vast", day) % 5000 + 2500) / 1000
        gpu = (hours * Decimal("1.867")).quantize(Decimal("0.001"))
        disk = (hours * Decimal("0.056")).quantize(Decimal("0.001"))
        items: list[dict[str, object]] = [
            _item("gpu", f"{hours} hours at $1.867/hour", gpu),
            _item("disk", f"{hours + Decimal('0.016')} hours at $0.056/hour", disk),
            _item("bwd", "41.2 GB Downloaded at $0.003/GB", Decimal("0.124")),
        ]
        instance = 55062389 + day.toordinal() // 7
        charges.append(
            _charge("instance", instance, moment, gpu + disk + Decimal("0.124"), items, "eval")
        )
    if day.day % 9 == 0:
        charges.append(_charge("serverless", 902, moment, Decimal("1e-3") * day.day, [], "rerank"))
    if day == date(2026, 10, 21):
        # A host that failed is paid back.
        charges.append(_charge("instance", 55062389, moment, Decimal("-4.125"), [], "eval"))
    return charges


def _item(kind: str, text: str, amount: Decimal) -> dict[str, object]:
    return {
        "start": 0, "end": 0, "type": kind, "source": None, "description": text, "amount": amount,
        "metadata": {}, "items": [],
    }  # fmt: skip


def _charge(
    kind: str, number: int, moment: int, amount: Decimal, items: list[dict[str, object]], label: str
) -> dict[str, object]:
    return {
        "start": moment,
        "end": moment,
        "type": kind,
        "source": f"{kind}-{number}",
        "description": f"{kind.title()} {number} Charges - 1 day",
        "amount": amount,
        "metadata": {"label": label},
        "items": items,
    }


# --- Lambda: hours, written down by hand ----------------------------------------------------------

LAMBDA_COLUMNS = (
    "instance_id", "instance_name", "instance_type", "region", "started_at", "ended_at",
)  # fmt: skip
LAMBDA_PRICES = {"gpu_1x_h100_pcie": Decimal("2.49"), "gpu_8x_a100_80gb_sxm4": Decimal("14.32")}


def _lambda(days: list[date], folder: Path) -> list[Total]:
    """What a rate card makes of the billed minutes is what the typed-in invoice says."""
    runs: dict[str, list[list[str]]] = {}
    owed = dict.fromkeys(MONTHS, Decimal(0))
    for day in days:
        if day.weekday() != 2 and day.day != 17:
            continue
        kind = "gpu_8x_a100_80gb_sxm4" if day.day == 14 else "gpu_1x_h100_pcie"
        start = datetime(day.year, day.month, day.day, 8, 17, day.day)
        end = start + timedelta(hours=3 + day.day % 4, minutes=day.day, seconds=30)
        name = f"fine-tune-{day:%m%d}"
        number = f"0920582c7ff041399e34823a0be6{day.toordinal() % 10000:04d}"
        times = [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (start, end)]
        runs.setdefault(f"{day:%Y-%m}", []).append([number, name, kind, "us-west-1", *times])
        minutes = -(-(end - start) // timedelta(minutes=1))
        hours = (Decimal(minutes) / 60).quantize(Decimal("0.000001"), ROUND_HALF_UP)
        owed[f"{day:%Y-%m}"] += hours * LAMBDA_PRICES[kind]
    totals = []
    for month, rows in runs.items():
        write_rows(LAMBDA_COLUMNS, rows, folder / f"lambda-{month}.csv")
        totals.append(
            Total("lambda", month, len(rows), None, owed[month], connector="lambda",
                  location="lambda")
        )  # fmt: skip
    return totals


# --- Hyperstack: the history of each kind of resource ---------------------------------------------

STACK = [
    # kind, answer, id, name, price an hour, share of the month's hours
    ("virtual-machine", "vm", 8429, "rag-bench", "0.348387100000", "0.22"),
    ("virtual-machine", "vm", 8430, "rag-bench-2", "1.479911804199", "0.05"),
    ("volume", "volume", 5341, "corpus", "0.000068493150684931", "1"),
]


def _hyperstack(folder: Path) -> list[Total]:
    totals = []
    for month in MONTHS:
        for fetched_at in fetches(month):
            # In the open month, hours are still to come.
            share_billed = Decimal("0.9") if fetched_at == EARLY else Decimal(1)
            answers: dict[tuple[str, str], list[dict[str, object]]] = {}
            cost = Decimal(0)
            for kind, answer, number, name, price, share in STACK:
                hours = int(HOURS[month] * Decimal(share) * share_billed)
                # The vendor's own arithmetic ends somewhere.
                bill = (hours * Decimal(price)).quantize(Decimal("1e-15"))
                cost += bill
                attributes: dict[str, object] = {"infrahub_id": number, "resource_name": name}
                if kind == "virtual-machine":
                    attributes["status"] = "ACTIVE"
                answers.setdefault((kind, answer), []).append(
                    {
                        "attributes": attributes,
                        "metrics": {
                            "incurred_bill": bill,
                            "price_per_hour": Decimal(price),
                            "usage_time": hours,
                        },
                    }
                )
            for (kind, answer), entries in answers.items():
                history = {"org_id": 1402, "billing_history": entries, "total_count": len(entries)}
                body = {"status": True, "message": "OK", f"billing_history_{answer}": history}
                write_json(body, folder / month / fetched_at / f"{kind}.json")
        totals.append(total("hyperstack", month, len(STACK), cost))
    return totals


# --- Crusoe: the dashboard's export ---------------------------------------------------------------

CRUSOE_COLUMNS = (
    "date", "project", "resource_type", "region", "quantity", "unit", "unit_price", "cost",
)  # fmt: skip


def _crusoe(days: list[date], draws: Draws, folder: Path) -> list[Total]:
    totals = []
    for month in MONTHS:
        rows, cost = [], Decimal(0)
        for day in (day for day in days if f"{day:%Y-%m}" == month):
            hours = draws.number("crusoe", day) % 4 if day.weekday() < 5 else 0
            for kind, quantity, unit, price in (
                ("l40s-48gb.1x", Decimal(hours), "Hours", Decimal("1.45")),
                ("persistent-disk", Decimal(2400), "GiB-Hours", Decimal("0.000109589")),
            ):
                if not quantity:
                    continue
                amount = (quantity * price).quantize(Decimal("0.0001"), ROUND_HALF_UP)
                cost += amount
                rows.append(
                    [day, "larkspur-eval", kind, "us-east1-a", quantity, unit, f"${price}",
                     f"${amount:,}"]
                )  # fmt: skip
        if month == "2026-10":
            cost -= 5
            rows.append([date(2026, 10, 31), "larkspur-eval", "credit", "", "", "", "", "-$5.0000"])
        write_rows(CRUSOE_COLUMNS, rows, folder / f"crusoe-{month}.csv")
        totals.append(total("crusoe", month, len(rows), cost))
    return totals
