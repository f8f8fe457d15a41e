"""Harborline Resale, an invented reseller: October as FOCUS 1.0 CSV, November as 1.4 Parquet.

It resells a vector database with a daily commitment, hosted models by the token, and a
subscription. October comes twice: the second delivery has the usage of its last days, the tax, a
credit, and a correction of September.
"""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

from larkspur.company import Period
from larkspur.draws import Draws
from larkspur.focus_files import FOCUS_1_0, FOCUS_1_4, Row, write_csv, write_parquet
from larkspur.totals import Total

FOLDERS = ("focus_files",)

_CENT = Decimal("0.01")
_COMMITMENT = "harborline/tidepool/commit-77"
_DAILY_COMMITMENT = Decimal("2.50")
_TAX = Decimal("0.0825")
_OFF = Decimal("0.9")  # what Harborline charges of a list price
_TEAMS = {"articles": "knowledge", "tickets": "platform"}


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    """Writes both months; the first delivery of October ends four days before the month."""
    days = period.dates()
    october = [day for day in days if day.month == days[0].month]
    november = [day for day in days if day.month != days[0].month]
    rows = _month(october, draws)
    complete = rows + _closing(october[0], rows)
    folder = out / "focus_files"
    early = [row for row in rows if str(row["ChargePeriodStart"]) < _time(october[-4:][0])]
    write_csv(
        FOCUS_1_0, early, folder / f"{october[0]:%Y-%m}/20261029T060000Z/harborline-focus.csv"
    )
    write_csv(
        FOCUS_1_0, complete, folder / f"{october[0]:%Y-%m}/20261103T060000Z/harborline-focus.csv"
    )
    totals = [_total(complete, october[0])]
    if november:
        newest = [_in_words_of_1_4(row) for row in _month(november, draws)]
        path = f"{november[0]:%Y-%m}/20261104T060000Z/harborline-focus.snappy.parquet"
        write_parquet(FOCUS_1_4, newest, folder / path)
        totals.append(_total(newest, november[0]))
    return totals


def _total(rows: Sequence[Row], month: date) -> Total:
    cost = sum((Decimal(row["BilledCost"]) for row in rows), Decimal(0))
    tax = sum((Decimal(r["BilledCost"]) for r in rows if r["ChargeCategory"] == "Tax"), Decimal(0))
    place = {"connector": "focus", "location": "focus_files"}
    return Total("focus_files", f"{month:%Y-%m}", len(rows), cost, cost, tax, **place)


def _time(day: date) -> str:
    return f"{day}T00:00:00Z"


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _bounds(day: date) -> Row:
    """The billing period that a day lies in."""
    start = _time(day.replace(day=1))
    return {"BillingPeriodStart": start, "BillingPeriodEnd": _time(_next_month(day))}


def _row(day: date, end: date, category: str, cost: Decimal) -> Row:
    """A charge without a discount."""
    return {
        "BillingAccountId": "0042",
        "BillingAccountName": "Larkspur Desk, Inc.",
        "BillingCurrency": "USD",
        **_bounds(day),
        "ChargePeriodStart": _time(day),
        "ChargePeriodEnd": _time(end),
        "ChargeCategory": category,
        "ChargeFrequency": "Usage-Based" if category == "Usage" else "One-Time",
        "InvoiceIssuerName": "Harborline Resale",
        "BilledCost": cost,
        "EffectiveCost": cost,
        "ListCost": cost,
        "ContractedCost": cost,
    }


def _month(days: Sequence[date], draws: Draws) -> list[Row]:
    rows = [_subscription(days[0])]
    for day in days:
        rows += _committed(day, _stored(day, draws))
        rows += [_reads(day, name, draws) for name in _TEAMS]
        rows += _tokens(day, draws)
    return rows


def _priced(unit: str, quantity: Decimal, price: Decimal, share: Decimal = _OFF) -> Row:
    """List and contracted price of a quantity, and their costs, exactly."""
    return {
        "PricingCategory": "Standard",
        "PricingQuantity": quantity,
        "PricingUnit": unit,
        "ListUnitPrice": price,
        "ContractedUnitPrice": price * share,
        "ListCost": price * quantity,
        "ContractedCost": price * share * quantity,
        "BilledCost": price * share * quantity,
        "EffectiveCost": price * share * quantity,
    }


def _service(provider: str, name: str, category: str, subcategory: str) -> Row:
    return {
        "ProviderName": provider,
        "PublisherName": provider,
        "ServiceName": name,
        "ServiceCategory": category,
        "ServiceSubcategory": subcategory,
    }


_TIDEPOOL = _service("Tidepool", "Tidepool Vector Database", "Databases", "NoSQL Databases") | {
    "RegionId": "us-east-1",
    "RegionName": "US East (N. Virginia)",
    "SubAccountId": "larkspur-prod",
    "SubAccountName": "Larkspur, production",
}


def _sku(name: str, meter: str) -> Row:
    return {"SkuId": name, "SkuMeter": meter, "SkuPriceId": f"{name}-usd"}


def _reads(day: date, name: str, draws: Draws) -> Row:
    """A day's read units of one index; the team is a tag, and texts have quotes and commas."""
    units = Decimal(draws.number("tidepool", day, name) % 900_000 + 100_000)
    return _row(day, day + timedelta(days=1), "Usage", Decimal(0)) | {
        **_TIDEPOOL,
        **_sku("tidepool-read-units", "Read Units"),
        **_priced("1000000 Read Units", units.scaleb(-6), Decimal("2.4")),
        "ConsumedQuantity": units,
        "ConsumedUnit": "Read Units",
        "ChargeDescription": f'Read units of index "{name}", on demand',
        "ResourceId": f"tidepool:index:{name}",
        "ResourceName": name,
        "ResourceType": "Index",
        "Tags": f'{{"team": "{_TEAMS[name]}", "note": "said \\"warm\\", 5 µs"}}',
    }


def _stored(day: date, draws: Draws) -> Row:
    """Storage, which the commitment pays for: billed 0."""
    quantity = Decimal(draws.number("tidepool storage", day) % 400 + 600).scaleb(-1) * 24
    priced = _priced("GB-Hours", quantity, Decimal("0.0012"), Decimal("0.75"))
    used = Decimal(priced["ContractedCost"])
    return _row(day, day + timedelta(days=1), "Usage", Decimal(0)) | {
        **_TIDEPOOL,
        **_sku("tidepool-storage", "Storage"),
        **priced,
        "PricingCategory": "Committed",
        "BilledCost": Decimal(0),
        "ConsumedQuantity": quantity,
        "ConsumedUnit": "GB-Hours",
        "ChargeDescription": "Storage under commitment",
        "ResourceId": "tidepool:storage",
        "ResourceName": "storage",
        "ResourceType": "Index storage",
        **_commitment("Used", used),
    }


def _commitment(status: str, quantity: Decimal) -> Row:
    return {
        "CommitmentDiscountCategory": "Spend",
        "CommitmentDiscountId": _COMMITMENT,
        "CommitmentDiscountName": "Tidepool daily commitment",
        "CommitmentDiscountQuantity": quantity,
        "CommitmentDiscountStatus": status,
        "CommitmentDiscountType": "Daily Spend Commitment",
        "CommitmentDiscountUnit": "USD",
    }


def _tokens(day: date, draws: Draws) -> list[Row]:
    """A day's tokens of a hosted model: input, cache reads and output are meters of their own."""
    meters = (
        ("Input Tokens", Decimal(3), 900_000, {"Direction": "Input", "CacheAction": "Uncached"}),
        ("Cached Tokens", Decimal("0.3"), 700_000, {"Direction": "Input", "CacheAction": "Read"}),
        ("Output Tokens", Decimal(15), 150_000, {"Direction": "Output"}),
    )
    service = _service("Fathom AI", "Fathom API", "AI and Machine Learning", "Generative AI")
    rows = []
    for meter, price, most, kind in meters:
        tokens = Decimal(draws.number("fathom", day, meter) % most + most // 10)
        details = {"x_ModelId": "fathom-large-2"} | {f"x_Token{k}": v for k, v in kind.items()}
        rows.append(
            _row(day, day + timedelta(days=1), "Usage", Decimal(0))
            | service
            | _sku(f"fathom-large-2-{meter.split()[0].lower()}", meter)
            | _priced("1000000 Tokens", tokens.scaleb(-6), price)
            | {
                "ConsumedQuantity": tokens,
                "ConsumedUnit": "Tokens",
                "ChargeDescription": f"{meter} of fathom-large-2",
                "SkuPriceDetails": json.dumps(details),
            }
        )
    return rows


def _committed(day: date, used: Row) -> list[Row]:
    """A day of the commitment: bought, used by storage, and what of it nobody used."""
    left = _DAILY_COMMITMENT - Decimal(used["EffectiveCost"])
    commitment: Row = {
        "ChargeDescription": "Tidepool daily commitment",
        "ResourceId": _COMMITMENT,
        "ResourceName": "Tidepool daily commitment",
        "ResourceType": "Commitment",
    }
    bought = _row(day, day + timedelta(days=1), "Purchase", Decimal(0)) | {
        **_TIDEPOOL,
        **_sku("tidepool-commitment", "Commitment"),
        **_priced("USD", _DAILY_COMMITMENT, Decimal(1), Decimal(1)),
        **commitment,
        **_commitment("", _DAILY_COMMITMENT),
        "EffectiveCost": Decimal(0),
        "ChargeFrequency": "Recurring",
    }
    unused = bought | {
        **_priced("USD", left, Decimal(1), Decimal(1)),
        **_commitment("Unused", left),
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        "PricingCategory": "Committed",
        "BilledCost": Decimal(0),
    }
    return [bought, used, unused]


def _subscription(first: date) -> Row:
    """A purchase that covers no other charge."""
    return _row(first, _next_month(first), "Purchase", Decimal(0)) | {
        **_service(
            "Beacon Metrics", "Beacon Metrics", "Management and Governance", "Observability"
        ),
        **_sku("beacon-team-plan", "Team plan"),
        **_priced("Months", Decimal(1), Decimal("49.00"), Decimal(1)),
        "ChargeFrequency": "Recurring",
        "ChargeDescription": "Beacon Metrics, team plan",
    }


def _closing(first: date, rows: Sequence[Row]) -> list[Row]:
    """What a month gets when it is closed."""
    end = _next_month(first)
    correction = _row(first - timedelta(days=3), first - timedelta(days=2), "Usage", Decimal(0)) | {
        **_TIDEPOOL,
        **_sku("tidepool-read-units", "Read Units"),
        **_priced("1000000 Read Units", Decimal("-1.5"), Decimal("2.4")),
        **_bounds(first),
        "ChargeClass": "Correction",
        "ChargeDescription": "Read units of September that were counted twice",
    }
    credit = _row(end - timedelta(days=1), end, "Credit", Decimal("-20.00")) | {
        **_TIDEPOOL,
        "ChargeDescription": "Service credit for 2026-10-11",
    }
    charged = [*rows, correction, credit]
    net = sum((Decimal(row["BilledCost"]) for row in charged), Decimal(0))
    tax = _row(first, end, "Tax", (net * _TAX).quantize(_CENT, ROUND_HALF_EVEN)) | {
        **_service("Harborline Resale", "Harborline Resale", "Other", "Other (Other)"),
        "ChargeDescription": "Sales tax",
    }
    return [correction, credit, tax]


def _in_words_of_1_4(row: Row) -> Row:
    """Provider and publisher are gone; who sells, who hosts and the price list's currency came."""
    more: Row = {
        "BillingAccountType": "Customer",
        "ServiceProviderName": row["ProviderName"],
        "HostProviderName": row["ProviderName"],
        "PricingCurrency": "USD",
        "PricingCurrencyEffectiveCost": row["EffectiveCost"],
    }
    for name in ("ListUnitPrice", "ContractedUnitPrice"):
        if name in row:
            more[f"PricingCurrency{name}"] = row[name]
    if "SubAccountId" in row:
        more["SubAccountType"] = "Project"
    return row | more
