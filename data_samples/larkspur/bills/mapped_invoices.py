"""Invoices of two small clouds: a CSV with its summary, and the pages of an API."""

from decimal import Decimal
from pathlib import Path

from larkspur.company import Period
from larkspur.draws import Draws
from larkspur.fetched import HOURS, LAST_DAY, LATE, MONTHS, cents, fetches, total
from larkspur.totals import Total
from larkspur.writing import write_json, write_rows

FOLDERS = ("digitalocean", "vultr")


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    del period, draws  # whole months, no chance
    return [*_digitalocean(out / "digitalocean"), *_vultr(out / "vultr")]


# --- DigitalOcean: an invoice CSV, and its summary ------------------------------------------------

DROPLETS = [
    # product, group, description, share of the month's hours, cents an hour, project, category
    ("GPU Droplets", "", "gpu-eval-01 (gpu-h100x1-80gb)", "0.0726", "339", "evaluation", "iaas"),
    ("Droplets", "", "status-page (s-2vcpu-4gb)", "1", "3.571", "platform", "iaas"),
    ("Droplets", "", 'mail, "outgoing" (s-1vcpu-1gb)', "1", "0.893", "knowledge", "iaas"),
    ("Spaces Subscription", "", "Spaces (250GiB)", "1", "0.744", "platform", "iaas"),
    ("Load Balancers", "web", "lb-status (small)", "1", "1.786", "platform", "iaas"),
]
DROPLET_COLUMNS = (
    "product", "group_description", "description", "hours", "start", "end", "USD", "project_name",
    "category",
)  # fmt: skip


def _dollars(amount: Decimal) -> str:
    return f"{'-' if amount < 0 else ''}${abs(amount):,.2f}"


def _digitalocean(folder: Path) -> list[Total]:
    totals = []
    for month in MONTHS:
        for fetched_at in fetches(month):
            is_final = fetched_at == LATE
            rows, amounts = [], []
            start, end = (
                f"{month}-01 00:00:00 +0000",
                f"{month}-{LAST_DAY[month]:02d} 23:59:59 +0000",
            )
            for product, group, text, share, price, project, kind in DROPLETS:
                hours = int(HOURS[month] * Decimal(share))
                # What was stopped late in October is found on the final invoice only.
                hours -= 6 if product == "GPU Droplets" and not is_final else 0
                amounts.append(cents(hours * Decimal(price) / 100))
                rows.append([product, group, text, hours, start, end, amounts[-1], project, kind])
            if month == "2026-10":
                amounts.append(Decimal("-25.00"))
                text = "Promotional credit, Hatch program"
                rows.append(["Credits", "", text, "", start, end, amounts[-1], "", "adjustment"])
            tax = cents(sum(amounts, Decimal(0)) * Decimal("0.0625"))
            text = "STATE SALES TAX (6.25%)"
            rows.append(["Taxes", "", text, "", start, end, tax, "", "iaas"])
            place = folder / month / fetched_at
            listed = [[*row[:6], _dollars(Decimal(str(row[6]))), *row[7:]] for row in rows]
            write_rows(DROPLET_COLUMNS, listed, place / "invoice.csv")
            cost = sum(amounts, tax)
            summary = {
                "invoice_uuid": "22737513-0ea7-4206-8ceb-98a575af7681",
                "billing_period": month,
                "amount": f"{cost:.2f}",
                "taxes": {"name": "Taxes", "amount": f"{tax:.2f}"},
            }
            write_json(summary, place / "summary.json")
        totals.append(total("digitalocean", month, len(rows), cost, tax))
    return totals


# --- Vultr: the items of an invoice, and pending charges of the open month ------------------------

PLANS = [
    # product, description, units of October, units of November, price of a unit
    ("Vultr Cloud GPU", "10.24.0.17 (vcg-a16-6c-64g-16vram)", 212, 18, "0.471"),
    ("Vultr Cloud Compute", "10.24.0.9 (2048 MB)", 672, 54, "0.015"),
    ("Block Storage", "models (100 GB)", 672, 54, "0.0034"),
    ("Load Balancer", "Load Balancer (edge)", 672, 54, "0.0149"),
]


def _vultr(folder: Path) -> list[Total]:
    totals = []
    for month, column in (("2026-10", 2), ("2026-11", 3)):
        for fetched_at in fetches(month):
            is_invoice = month == "2026-10" and fetched_at == LATE
            items = []
            for plan in PLANS:
                units = int(plan[column]) - (0 if fetched_at == LATE else 40)
                price = Decimal(plan[4])
                items.append(
                    {
                        "description": plan[1],
                        "product": plan[0],
                        "start_date": f"{month}-01T00:00:00+00:00",
                        "end_date": "2026-11-01T00:00:00+00:00" if is_invoice
                        else f"{month}-{'29' if month == '2026-10' else '03'}T06:00:00+00:00",
                        "units": units,
                        "unit_type": "hours",
                        "unit_price": price,
                        "total": cents(units * price),
                    }
                )  # fmt: skip
            if is_invoice:
                items.append(
                    {
                        "description": "Service credit: outage of 2026-10-14",
                        "product": "Account Credit",
                        "start_date": "2026-10-14T09:12:40+00:00",
                        "end_date": "2026-10-14T09:12:40+00:00",
                        "units": 1,
                        "unit_type": "",
                        "unit_price": Decimal("-3.5"),
                        "total": Decimal("-3.5"),
                    }
                )
            cost = sum((Decimal(str(item["total"])) for item in items), Decimal(0))
            _write_vultr(folder / month / fetched_at, items, cost, is_invoice)
        totals.append(total("vultr", month, len(items), cost))
    return totals


def _write_vultr(
    place: Path, items: list[dict[str, object]], cost: Decimal, is_invoice: bool
) -> None:
    if not is_invoice:
        write_json({"pending_charges": items}, place / "pending-charges.json")
        return
    for number, page in enumerate((items[:3], items[3:]), start=1):
        links = {"next": "bmV4dF9faXRlbXM=" if number == 1 else "", "prev": ""}
        answer = {"invoice_items": page, "meta": {"total": len(items), "links": links}}
        write_json(answer, place / f"items-{number:04d}.json")
    invoice = {
        "id": 7345120,
        "date": "2026-11-01T00:30:05+00:00",
        "description": "Invoice #7345120",
        "amount": cost,
        "balance": Decimal("-112.40"),
    }
    write_json({"billing_invoice": invoice}, place / "invoice.json")
