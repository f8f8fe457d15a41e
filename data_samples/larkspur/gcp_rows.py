"""What GCP bills Larkspur Desk for: SKUs and machines, and a row of the billing export."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Row = dict[str, Any]
_MICRO = Decimal("0.000001")
# Midnight in California, as UTC: an invoice's month is that of Google's own clock.
_NOVEMBER = datetime(2026, 11, 1, 7, tzinfo=UTC)
PROJECT = {
    "id": "larkspur-ml",
    "number": "482910557731",
    "name": "Larkspur ML",
    "labels": [{"key": "cost-center", "value": "cc-4410"}],
    "ancestry_numbers": "/731002948551/",
    "ancestors": [
        {"resource_name": "organizations/731002948551", "display_name": "larkspurdesk.example"}
    ],
}
NOBODY: Row = {**dict.fromkeys(PROJECT), "labels": [], "ancestors": []}
SUBSCRIPTION = "subscriptions/7c9e6679-7425-40de-944b-e07fc1f90ae7"
_DEFAULT = {"id": "7754-699E-0EBF", "description": "Default"}
FLEXIBLE = {"id": "9BC7-2A6F-0D11", "description": "Compute Flexible CUDs 1 Year"}


@dataclass(frozen=True)
class Sku:
    """A SKU: the list price of `block` pricing units, each of which is `base` units of usage."""

    service: str
    service_id: str
    id: str
    description: str
    price: Decimal
    unit: str = "seconds"
    pricing_unit: str = "hour"
    base: int = 3600
    block: int = 1


def _compute(id: str, description: str, price: str, **units: Any) -> Sku:
    return Sku("Compute Engine", "6F81-5844-456A", id, description, Decimal(price), **units)


def _gemini(id: str, description: str, price: str) -> Sku:
    tokens: dict[str, Any] = {
        "unit": "requests",
        "pricing_unit": "count",
        "base": 1,
        "block": 1_000_000,
    }
    return Sku("Vertex AI", "C7E2-9256-1C43", id, description, Decimal(price), **tokens)


_GIB_SECONDS: dict[str, Any] = {
    "unit": "byte-seconds",
    "pricing_unit": "gibibyte hour",
    "base": 3600 << 30,
}
A2_CORE = _compute("2922-40C5-B19F", "A2 Instance Core running in Americas", "0.031611")
A2_RAM = _compute(
    "2390-DCAF-DA38", "A2 Instance Ram running in Americas", "0.004237", **_GIB_SECONDS
)
A100 = _compute("039F-D0DA-4055", "Nvidia Tesla A100 GPU running in Americas", "2.933908")
E2_CORE = _compute("CF4E-A0C7-E3BF", "E2 Instance Core running in Americas", "0.02181159")
E2_RAM = _compute(
    "F449-33EC-A5EF", "E2 Instance Ram running in Americas", "0.00292353", **_GIB_SECONDS
)
CUD_FEE = _compute("3F1A-77D2-90CB", "Compute Flexible CUDs - 1 Year", "1")
STORAGE = Sku(
    "Cloud Storage", "95FF-2EF5-5EA1", "E5F0-6A5D-7BAD", "Standard Storage Iowa", Decimal("0.02"),
    "byte-seconds", "gibibyte month", (30 * 86_400) << 30,
)  # fmt: skip
ANALYSIS = Sku(
    "BigQuery", "24E6-581D-38E5", "3362-E469-6BEF", "Analysis (us-central1)", Decimal("6.25"),
    "bytes", "tebibyte", 1 << 40,
)  # fmt: skip
SUPPORT = Sku(
    "Support", "2062-016F-44A2", "1F82-3D96-1AC5", "Standard Support Service Fee", Decimal("29"),
    "requests", "month", 1,
)  # fmt: skip
TAX = Sku("Invoice", "CF68-8219-BD3D", "94B9-8327-98EA", "US Sales Tax", Decimal(0))
# Of a nightly job: SKU, about how many tokens a night.
GEMINI = (
    (_gemini("FDAB-647C-5A22", "Gemini 2.5 Flash GA Text Input - Predictions", "0.30"), 4_100_000),
    (_gemini("7F14-7A4A-2B8C", "Gemini 2.5 Flash Input Text Caching", "0.03"), 9_700_000),
    (_gemini("AF56-1BF9-492A", "Gemini 2.5 Flash GA Text Output - Predictions", "2.50"), 310_000),
    (
        _gemini("A253-E8A3-DE5C", "Gemini 2.5 Flash GA Thinking Text Output - Predictions", "2.50"),
        190_000,
    ),
    (_gemini("5DA2-3F77-1CA5", "Gemini 2.5 Flash GA Audio Input - Predictions", "1.00"), 84_000),
    (_gemini("9B37-0C5E-A1B2", "Gemini 2.5 Flash Text Input - Batch Predictions", "0.15"), 650_000),
)
GEMINI_LONG = (
    _gemini("0C5B-4E2D-77F9", "Gemini 2.5 Pro Text Input (Long) - Predictions", "2.50"),
    240_000,
)
GEMINI_SEARCH = _gemini("6F2C-11B0-8E55", "LLM Grounding with Google Search tool", "35000")


@dataclass(frozen=True)
class Machine:
    """A machine; its cores, GiB of memory, GPUs and SKUs."""

    name: str
    id: str
    spec: str
    cores: int
    gib: int
    skus: tuple[tuple[Sku, Decimal], ...]

    def columns(self) -> Row:
        labels = {"cores": self.cores, "machine_spec": self.spec, "memory": self.gib << 10}
        place = "//compute.googleapis.com/projects/482910557731/zones/us-central1-b/instances"
        return {
            "resource": {"name": self.name, "global_name": f"{place}/{self.id}"},
            "system_labels": [
                {"key": f"compute.googleapis.com/{key}", "value": str(value)}
                for key, value in labels.items()
            ],
            "location": {
                "location": "us-central1-b", "country": "US", "region": "us-central1",
                "zone": "us-central1-b",
            },
        }  # fmt: skip


TRAINER = Machine(
    "tagger-a100", "5120349981275501822", "a2-highgpu-1g", 12, 85,
    ((A2_CORE, Decimal(12)), (A2_RAM, Decimal(85)), (A100, Decimal(1))),
)  # fmt: skip
GATEWAY = Machine(
    "gateway-1", "7730184420095518003", "e2-standard-4", 4, 16,
    ((E2_CORE, Decimal(4)), (E2_RAM, Decimal(16))),
)  # fmt: skip
# What an hour of the gateway costs at the commitment's price, and what was committed to.
COMMITTED_PRICE = Decimal("0.72")
COMMITMENT = {E2_CORE: Decimal("0.055"), E2_RAM: Decimal("0.04")}


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def rounded(amount: Decimal) -> Decimal:
    return amount.quantize(_MICRO, ROUND_HALF_UP)


def _month(moment: datetime) -> str:
    return "202610" if moment < _NOVEMBER else "202611"


def _price(sku: Sku, price: Decimal) -> Row:
    return {
        "effective_price": str(price),
        "tier_start_amount": "0",
        "unit": sku.pricing_unit,
        "pricing_unit_quantity": str(sku.block),
        "list_price": str(sku.price),
        "effective_price_default": str(sku.price),
        "list_price_consumption_model": str(price),
    }


def _usage(sku: Sku, quantity: Decimal) -> Row:
    return {
        "amount": quantity * sku.base,
        "unit": sku.unit,
        "amount_in_pricing_units": quantity,
        "pricing_unit": sku.pricing_unit,
    }


def row(sku: Sku, start: datetime, quantity: Decimal, **changes: Any) -> Row:
    """A row of the table: `quantity` in pricing units, for an hour; `changes` replace columns."""
    price = changes.pop("price", sku.price)
    cost = rounded(quantity / sku.block * price)
    listed = rounded(quantity / sku.block * sku.price)
    return {
        "billing_account_id": "01F3C7-9B2E44-A7D510",
        "service": {"id": sku.service_id, "description": sku.service},
        "sku": {"id": sku.id, "description": sku.description},
        "usage_start_time": _text(start),
        "usage_end_time": _text(start + timedelta(hours=1)),
        "project": PROJECT,
        "labels": [],
        "system_labels": [],
        "location": {
            "location": "us-central1", "country": "US", "region": "us-central1", "zone": None,
        },
        "resource": {"name": None, "global_name": None},
        "tags": [],
        "price": _price(sku, price),
        "transaction_type": "GOOGLE",
        "seller_name": "Google",
        "subscription": {"instance_id": None},
        "export_time": f"{start + timedelta(hours=5):%Y-%m-%d %H:%M:%S}.412907 UTC",
        "cost": cost,
        "currency": "USD",
        "currency_conversion_rate": Decimal(1),
        "usage": _usage(sku, quantity),
        "credits": [],
        "invoice": {"month": _month(start), "publisher_type": "GOOGLE"},
        "cost_type": "regular",
        "adjustment_info": dict.fromkeys(("id", "description", "mode", "type")),
        "cost_at_list": listed,
        "cost_at_effective_price_default": listed,
        "cost_at_list_consumption_model": cost,
        "consumption_model": _DEFAULT,
        **changes,
    }  # fmt: skip
