"""Azure OpenAI's meters by name: model, kind of token, deployment, tier; provisioned throughput."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from azure_exports import Exports, line

AI = {"MeterCategory": "Foundry Models", "ServiceFamily": "AI + Machine Learning"}


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Normalize all meters at once; return the charge of each."""
    exports = Exports(tmp_path_factory.mktemp("meters"))
    rows = [
        line("0.5", MeterName=name, UnitOfMeasure=unit, Quantity="2", UnitPrice="0.25", **AI)
        for name, unit, *_ in (*TOKENS, *OTHERS)
    ]
    other = {"MeterCategory": "Storage", "UnitOfMeasure": "1K", "Quantity": "2"}
    rows.append(line("0.5", MeterName="Input Tokens", **other))
    exports.run(rows)
    assert exports.read() == {}
    charges = exports.charges()
    return {charge["x_usage_type"]: charge for charge in charges}


# Meter, unit, model, kind of token, deployment, tier.
TOKENS = [
    ("gpt 4o 1120 Inp glbl Tokens", "1K", "gpt 4o 1120", "uncached_input", "Global", "default"),
    ("gpt 4o 1120 cached Inp glbl Tokens", "1K", "gpt 4o 1120", "cache_read", "Global", "default"),
    ("gpt 4o 1120 Outp glbl Tokens", "1K", "gpt 4o 1120", "output", "Global", "default"),
    ("gpt 4o 1120 Batch Inp glbl Tokens", "1K", "gpt 4o 1120", "uncached_input", "Global", "batch"),
    ("o4-mini 0416 Inp glbl Tokens", "1K", "o4-mini 0416", "uncached_input", "Global", "default"),
    ("GPT 5 Inpt Glbl 1M Tokens", "1M", "GPT 5", "uncached_input", "Global", "default"),
    ("GPT 5 Mini cchd Inpt Glbl 1M Tokens", "1M", "GPT 5 Mini", "cache_read", "Global", "default"),
    ("GPT 5 outpt Glbl 1M Tokens", "1M", "GPT 5", "output", "Global", "default"),
    ("5.4 inp Gl 1M Tokens", "1M", "5.4", "uncached_input", "Global", "default"),
    ("5.4 opt Gl 1M Tokens", "1M", "5.4", "output", "Global", "default"),
    ("5.4 cd inp Gl 1M Tokens", "1M", "5.4", "cache_read", "Global", "default"),
    ("5.5 ShortCo inp Dz 1M Tokens", "1M", "5.5 ShortCo", "uncached_input", "Data Zone", "default"),
    ("GPT 5 pp Inpt Glbl 1M Tokens", "1M", "GPT 5", "uncached_input", "Global", "priority"),
    ("V4 Pro Outp DZone Tokens", "1K", "V4 Pro", "output", "Data Zone", "default"),
    ("V4 Flash cached glbl Tokens", "1K", "V4 Flash", "cache_read", "Global", "default"),
    ("gpt-4o-rt-txt-1217 cchd Inp rgnl", "1K", "gpt-4o-rt-txt-1217", "cache_read", "Regional",
     "default"),
    ("gpt-4o-mini-0718-Inp-regnl Tokens", "1K", "gpt-4o-mini-0718", "uncached_input", "Regional",
     "default"),
    ("Phi-4-Input Tokens", "1K", "Phi-4", "uncached_input", None, "default"),
    ("gpt rt aud 0828 Outp glbl Tokens", "1K", "gpt rt aud 0828", "audio_output", "Global",
     "default"),
    ("gpt rt aud 0828 Inp glbl Tokens", "1K", "gpt rt aud 0828", "audio_input", "Global",
     "default"),
    ("text embedding 3 small glbl Tokens", "1K", "text embedding 3 small", "uncached_input",
     "Global", "default"),
]  # fmt: skip

# Meters of the same category that count no tokens, or tokens that no attempt reports.
OTHERS = [
    ("gpt rt img 0828 Inp glbl Tokens", "1K"),
    ("gpt 4o 0806 FT Trng regnl Tokens", "1M"),
    ("gpt 4o FT Hosting glbl Unit", "1 Hour"),
    ("File Search Tool Calls", "1K"),
    ("Some New Meter", "1K"),
    ("Code Interpreter Session", "1"),
]


@pytest.mark.parametrize("meter", TOKENS, ids=[meter[0] for meter in TOKENS])
def test_a_token_meter_says_model_kind_deployment_and_tier(read: Any, meter: Any) -> None:
    name, unit, model, token_type, deployment, tier = meter
    charge = read[name]
    assert charge["x_charge_kind"] == "tokens"
    assert (charge["x_model"], charge["x_token_type"]) == (model, token_type)
    assert charge["x_service_tier"] == tier
    assert json.loads(charge["sku_price_details"]).get("x_DeploymentType") == deployment
    assert charge["service_subcategory"] == "Generative AI"
    tokens = 2_000 if unit == "1K" else 2_000_000
    assert (charge["consumed_quantity"], charge["consumed_unit"]) == (tokens, "Tokens")
    assert charge["pricing_quantity"] == Decimal(tokens) / 1_000_000
    assert charge["pricing_unit"] == "1000000 Tokens"
    assert charge["contracted_unit_price"] == (250 if unit == "1K" else Decimal("0.25"))
    assert charge["contracted_cost"] == charge["billed_cost"] == Decimal("0.5")


@pytest.mark.parametrize("meter", OTHERS, ids=[meter[0] for meter in OTHERS])
def test_another_meter_of_the_category_is_no_token_meter(read: Any, meter: Any) -> None:
    charge = read[meter[0]]
    assert (charge["x_charge_kind"], charge["x_token_type"], charge["x_model"]) == (None,) * 3
    assert charge["service_category"] == "AI and Machine Learning"


def test_a_meter_of_another_category_is_none_whatever_its_name(read: Any) -> None:
    assert read["Input Tokens"]["x_token_type"] is None


def test_provisioned_throughput_is_capacity_by_the_hour_and_no_tokens(tmp_path: Path) -> None:
    exports = Exports(tmp_path)
    meter = {"MeterName": "Provisioned Managed Global Unit", "UnitOfMeasure": "1 Hour"}
    reserved = {"PricingModel": "Reservation", "benefitId": "/providers/Microsoft.Capacity/o/r"}
    exports.run([line("30", Quantity="30", **meter, **AI)])
    exports.run([line("15", Quantity="30", **meter, **AI, **reserved)], dataset="amortized")
    assert exports.read() == {}
    (charge,) = exports.charges()
    assert (charge["x_charge_kind"], charge["x_token_type"]) == ("capacity", None)
    assert (charge["consumed_quantity"], charge["consumed_unit"]) == (30, "Hours")
    assert charge["x_billed_milliseconds"] is None
    assert charge["commitment_discount_status"] == "Used"
    assert (charge["billed_cost"], charge["effective_cost"]) == (0, 15)
