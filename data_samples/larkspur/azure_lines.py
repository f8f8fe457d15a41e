"""What Azure charges: the knowledge team's search, under an agreement that bills in euros.

Prices are in dollars and turned into euros at the month's rate.
"""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .company import Period
from .draws import Draws
from .writing import number_text

ATTO = Decimal("1e-18")
SUBSCRIPTION = "7a1e5f00-3c1d-4d7a-9b1e-000000000001"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/knowledge-search/providers"
OPENAI = f"{GROUP}/Microsoft.CognitiveServices/accounts/larkspur-knowledge"
RERANKER = f"{GROUP}/Microsoft.Compute/virtualMachines/reranker-0"
INDEXER = f"{GROUP}/Microsoft.Compute/virtualMachineScaleSets/indexer"
STORAGE = f"{GROUP}/Microsoft.Storage/storageAccounts/larkspurknowledge"
ORDER = "/providers/Microsoft.Capacity/reservationOrders/2b8f0c55-5f43-4c1c-8f2c-000000000002"
RESERVATION = f"{ORDER}/reservations/2b8f0c55-5f43-4c1c-8f2c-000000000003"
PLANS = "/providers/Microsoft.BillingBenefits/savingsPlanOrders"
PLAN = f"{PLANS}/91d7e6a0-77aa-4a53-a7a5-000000000004/savingsPlans/91d7e6a0-000000000005"
MISTAKE = f"{PLANS}/91d7e6a0-77aa-4a53-a7a5-000000000006/savingsPlans/91d7e6a0-000000000007"
RESERVED_HOUR, PLANNED_HOUR = Decimal("0.335"), Decimal("0.05")
TAGS = json.dumps({"team": "knowledge", "env": "production"})
# A line break between two tags, and a tag that is JSON itself: both are legal.
ODD_TAGS = '{"team": "knowledge",\n "owner": "{\\"unit\\": \\"search\\", \\"floor\\": 2}"}'


@dataclass(frozen=True)
class Meter:
    """What one meter is called, and its price in dollars for a unit of measure."""

    category: str
    subcategory: str
    name: str
    measure: str
    price: Decimal
    family: str
    provider: str

    @property
    def meter_id(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"larkspur/{self.category}/{self.name}"))


def _model(name: str, measure: str, price: str, subcategory: str = "Azure OpenAI GPT5") -> Meter:
    family, provider = "AI + Machine Learning", "Microsoft.CognitiveServices"
    return Meter("Foundry Models", subcategory, name, measure, Decimal(price), family, provider)


# Meter, the least and the span of its daily quantity in thousandths of a unit.
TOKENS = (
    (_model("GPT 5 Mini Inpt Glbl 1M Tokens", "1M", "0.25"), 4_000, 9_000),
    (_model("GPT 5 Mini cchd Inpt Glbl 1M Tokens", "1M", "0.025"), 1_000, 5_000),
    (_model("GPT 5 Mini outpt Glbl 1M Tokens", "1M", "2"), 900, 1_400),
    (_model("gpt 4o 1120 Batch Inp glbl Tokens", "1K", "0.00125", "Azure OpenAI"), 70_000, 90_000),
    (_model("gpt 4o 1120 Batch Outp glbl Tokens", "1K", "0.005", "Azure OpenAI"), 9_000, 9_000),
    (_model("text embedding 3 small glbl Tokens", "1K", "0.00002", "Azure OpenAI"), 1, 90_000),
)
PROVISIONED = _model("Provisioned Managed Global Unit", "1 Hour", "1", "Azure OpenAI")
GPU_HOUR = Meter(
    "Virtual Machines", "NCasT4_v3 Series", "NC4as T4 v3", "1 Hour", Decimal("0.526"), "Compute",
    "Microsoft.Compute",
)  # fmt: skip
CPU_HOUR = Meter(
    "Virtual Machines", "Dsv5 Series", "D4s v5", "1 Hour", Decimal("0.192"), "Compute",
    "Microsoft.Compute",
)  # fmt: skip
STORED = Meter(
    "Storage", "Tiered Block Blob", "Hot LRS Data Stored", "1 GB/Month", Decimal("0.0208"),
    "Storage", "Microsoft.Storage",
)  # fmt: skip
WRITTEN = Meter(
    "Storage", "Tiered Block Blob", "Hot LRS Write Operations", "10K", Decimal("0.05"), "Storage",
    "Microsoft.Storage",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One line of both datasets; `actual` and `amortized` are dollars, None where it is absent."""

    day: date
    meter: Meter | None
    quantity: Decimal
    actual: Decimal | None
    amortized: Decimal | None
    fields: dict[str, str]


def azure_lines(period: Period, draws: Draws) -> Iterator[Line]:
    for day in period.dates():
        if day.day == 1:
            yield from _purchases(day)
        yield from _machines(day, draws)
        yield from _tokens(day, draws)
        yield from _storage(day, draws)
    yield from _exceptions()


def _usage(day: date, meter: Meter, quantity: Decimal, resource: str, **fields: str) -> Line:
    cost = quantity * meter.price
    tags = fields.pop("tags", TAGS)
    said = {
        "ResourceId": resource,
        "tags": tags,
        "chargeType": "Usage",
        "frequency": "UsageBased",
        "pricingModel": "OnDemand",
        "effectivePrice": number_text(meter.price),
    }
    return Line(day, meter, quantity, cost, cost, said | fields)


def _tokens(day: date, draws: Draws) -> Iterator[Line]:
    for meter, least, span in TOKENS:
        thousandths = least + draws.number("azure", day, meter.name) % span
        yield _usage(day, meter, Decimal(thousandths) / 1000, OPENAI)


def _storage(day: date, draws: Draws) -> Iterator[Line]:
    stored = Decimal(31_000 + 900 * day.day) / 1_000_000  # GB-months of one day
    yield _usage(day, STORED, stored * 40, STORAGE, tags=ODD_TAGS)
    # A few operations cost next to nothing: 2.5E-06 and the like.
    written = Decimal(1 + draws.number("azure writes", day) % 9_000) / 10_000
    yield _usage(day, WRITTEN, written if day.day % 3 else Decimal("0.0001"), STORAGE)


def _machines(day: date, draws: Draws) -> Iterator[Line]:
    """A reserved GPU, and a scale set under a savings plan: a part of both is unused."""
    used = Decimal(14 + draws.number("azure gpu", day) % 9)
    gpu = json.dumps({"ServiceType": "Standard_NC4as_T4_v3", "VCPUs": 4, "UsageType": "ComputeHR"})
    yield _covered(day, GPU_HOUR, used, used * RESERVED_HOUR, RERANKER, RESERVATION, gpu)
    yield _unused(day, GPU_HOUR, (24 - used) * RESERVED_HOUR, RESERVATION, "UnusedReservation")
    hours = Decimal(4 + draws.number("azure cpu", day) % 5)
    plan = hours * Decimal("0.1305")
    cpu = json.dumps(
        {"ServiceType": "Standard_D4s_v5", "VCPUs": 4, "VMName": f"indexer_{day.day % 3}"}
    )
    yield _covered(day, CPU_HOUR, hours, plan, INDEXER, PLAN, cpu)
    yield _unused(day, CPU_HOUR, 24 * PLANNED_HOUR - plan, PLAN, "UnusedSavingsPlan")


def _commitment(benefit: str) -> dict[str, str]:
    is_plan = "savingsPlans" in benefit
    names = {"benefitId": benefit, "benefitName": "search-plan" if is_plan else "reranker"}
    if not is_plan:
        names |= {"reservationId": benefit.rpartition("/")[2], "reservationName": "reranker"}
    return names | {"pricingModel": "SavingsPlan" if is_plan else "Reservation", "term": "12"}


def _covered(
    day: date, meter: Meter, hours: Decimal, cost: Decimal, resource: str, benefit: str, info: str
) -> Line:
    """Usage under a commitment: free in the actual dataset, at its share in the amortized one."""
    price = number_text((cost / hours).quantize(ATTO))
    fields = {"additionalInfo": info, "effectivePrice": price} | _commitment(benefit)
    line = _usage(day, meter, hours, resource, **fields)
    return Line(day, meter, hours, Decimal(0), cost, line.fields)


def _unused(day: date, meter: Meter, cost: Decimal, benefit: str, kind: str) -> Line:
    fields = {"chargeType": kind, "frequency": "UsageBased", "tags": ""} | _commitment(benefit)
    return Line(day, meter, cost / meter.price, None, cost, fields)


def _fee(day: date, name: str, cost: Decimal, **fields: str) -> Line:
    said = {
        "chargeType": "Purchase",
        "frequency": "Recurring",
        "productOrderName": name,
        "effectivePrice": number_text(abs(cost)),
        "unitPrice": number_text(abs(cost)),
        "unitOfMeasure": "1",
        "ProductName": name,
        "meterId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"larkspur/{name}")),
    }
    return Line(day, None, Decimal(1 if cost > 0 else -1), cost, None, said | fields)


def _purchases(day: date) -> Iterator[Line]:
    hours = 24 * (31 if day.month == 10 else 30)
    yield _fee(
        day, "Reserved VM Instance, Standard_NC4as_T4_v3, EU West, 1 Year",
        hours * RESERVED_HOUR, **_commitment(RESERVATION),
    )  # fmt: skip
    yield _fee(day, "Compute Savings Plan, 1 Year", hours * PLANNED_HOUR, **_commitment(PLAN))
    ours = _fee(
        day, "Quillmark Document Parser, Team", Decimal("42"), publisherType="Marketplace",
        publisherName="Quillmark", pricingModel="OnDemand", chargeType="Purchase",
        serviceFamily="SaaS", meterCategory="SaaS",
    )  # fmt: skip
    yield Line(ours.day, None, ours.quantity, ours.actual, ours.actual, ours.fields)


def _exceptions() -> Iterator[Line]:
    """A plan bought by mistake and given back, a load test, rounding, and a late refund."""
    mistake = "Compute Savings Plan, 3 Years"
    yield _fee(date(2026, 10, 7), mistake, Decimal("18.6"), **_commitment(MISTAKE))
    yield _fee(
        date(2026, 10, 8), mistake, Decimal("-18.6"),
        **_commitment(MISTAKE), chargeType="Refund", frequency="OneTime",
    )  # fmt: skip
    yield _usage(date(2026, 10, 14), PROVISIONED, Decimal(30), OPENAI)
    for day, cost, fields in (
        (date(2026, 10, 31), "-0.0000000031", {"chargeType": "RoundingAdjustment"}),
        (
            date(2026, 11, 2),
            "-2.75",
            {"chargeType": "Refund", "previousInvoiceId": "G104200417", "meterCategory": "Storage"},
        ),
    ):
        amount = Decimal(cost)
        said = {"frequency": "OneTime", "pricingModel": "OnDemand"} | fields
        yield Line(day, None, Decimal(0), amount, amount, said)
