"""Which lines of an AWS bill sell tokens: model, kind, tier and how many, in every unit."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aws_exports import Row, charges_of, line

from connectors.aws_cur2 import CONNECTOR
from models.tables import TOKEN_TYPES

SONNET = "Claude Sonnet 4.5 (Amazon Bedrock Edition)"


def own(meter: str, quantity: str = "12.5", unit: str = "1K tokens", **columns: Any) -> Row:
    """A line of a model that AWS itself sells."""
    return line(
        line_item_product_code="AmazonBedrock",
        line_item_usage_type=f"USE1-{meter}",
        line_item_usage_amount=quantity,
        pricing_unit=unit,
        pricing_rate_code="SKU.TERM.RATE",
        **columns,
    )


def sold(meter: str, quantity: str = "0.0125", unit: str = "Units", **columns: Any) -> Row:
    """A line of a model that AWS Marketplace sells."""
    return line(
        line_item_product_code="9x4kq2vd7c1mzt0h3ybnpf85w",
        line_item_usage_type=f"USE1-MP:USE1_{meter}-Units",
        line_item_usage_amount=quantity,
        line_item_line_item_description="AWS Marketplace software usage|us-east-1|Million Tokens",
        bill_billing_entity="AWS Marketplace",
        product={"product_name": SONNET},
        pricing_unit=unit,
        **columns,
    )


# Meter: model, token type, tier.
OWN = {
    "NovaPro-input-tokens": ("NovaPro", "uncached_input", None),
    "NovaPro-output-tokens": ("NovaPro", "output", None),
    "NovaPro-cache-read-input-token-count": ("NovaPro", "cache_read", None),
    "NovaPro-cache-write-input-token-count": ("NovaPro", "cache_write_5m", None),
    "NovaPro-cache-read-input-token-count-cross-region-global": ("NovaPro", "cache_read", None),
    "Claude4.6Sonnet-cache-write-1h-input-token-count": (
        "Claude4.6Sonnet",
        "cache_write_1h",
        None,
    ),
    "Claude4.6Sonnet-output-tokens-cross-region-global": ("Claude4.6Sonnet", "output", None),
    "Nova2.0Lite-input-tokens-flex": ("Nova2.0Lite", "uncached_input", "flex"),
    "NovaMicro-input-tokens-batch": ("NovaMicro", "uncached_input", "batch"),
    "gpt-oss-120b-output-tokens-priority": ("gpt-oss-120b", "output", "priority"),
    "openai.gpt-oss-120b-mantle-input-tokens-standard": (
        "openai.gpt-oss-120b",
        "uncached_input",
        None,
    ),
    "TitanEmbedV2-Text-input-tokens": ("TitanEmbedV2-Text", "uncached_input", None),
    "NovaSonic-speech-input-tokens": ("NovaSonic", "audio_input", None),
    "NovaSonic-speech-output-tokens": ("NovaSonic", "audio_output", None),
}
MARKETPLACE = {
    "InputTokenCount": ("uncached_input", None),
    "OutputTokenCount_Global": ("output", None),
    "CacheReadInputTokenCount": ("cache_read", None),
    "CacheWriteInputTokenCount_Global": ("cache_write_5m", None),
    "CacheWrite1hInputTokenCount": ("cache_write_1h", None),
    "InputTokenCount_Batch": ("uncached_input", "batch"),
    "input_tokens_standard": ("uncached_input", None),
    "cache_write_tokens_1h_global_standard": ("cache_write_1h", None),
    "cache_write_tokens_5m_standard": ("cache_write_5m", None),
    "cache_read_tokens_global_standard": ("cache_read", None),
    "output_tokens_batch": ("output", "batch"),
}
# What is never guessed to be tokens of a bucket.
UNKNOWN = [
    own("NovaCanvas-T2I-1024-Standard", unit="Images"),
    own("Guardrail-ContentPolicyUnitsConsumed", unit="TextUnits"),
    own("NovaPro-ProvisionedThroughput-ModelUnits", unit="Hrs"),
    own("NovaPro-customization-training-input-tokens"),
    own("NovaReel-video-output-tokens"),
    own("NovaPro-input-tokens", unit="10K tokens"),
    own("NovaPro-cache-storage-token-hours"),
    sold("cache_write_tokens_30m_standard"),
    sold("created_image_stable_image_ultra"),
    line(line_item_product_code="AmazonEC2", line_item_usage_type="USE1-Fake-input-tokens"),
    own("NovaPro-input-tokens", line_item_line_item_type="Refund"),
]
UNITS = {
    "1K tokens": own("NovaPro-input-tokens", "12.5", "1K tokens"),
    "1M tokens": own("NovaPro-input-tokens", "0.0125", "1M tokens"),
    "Tokens": own("NovaPro-input-tokens", "12500", "Tokens"),
    "said by the description": own(
        "NovaPro-input-tokens",
        "12.5",
        "",
        line_item_line_item_description="$0.0008 per 1K input tokens",
    ),
    "Marketplace's millions": sold("InputTokenCount"),
    "Marketplace's thousands": sold("InputTokenCount", "12.5")
    | {"line_item_line_item_description": "AWS Marketplace|Thousand Input Tokens"},
    "Marketplace, not said": sold("InputTokenCount")
    | {"line_item_line_item_description": "AWS Marketplace software usage"},
    "Marketplace, with a unit": sold("InputTokenCount", "12.5", "1K tokens"),
}


@pytest.fixture(scope="module")
def charges(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    """The charges of all lines above, by the list that they are of."""
    parts = {
        "own": [own(meter) for meter in OWN],
        "marketplace": [sold(meter) for meter in MARKETPLACE],
        "unknown": UNKNOWN,
        "units": list(UNITS.values()),
    }
    rows = [row for part in parts.values() for row in part]
    found = iter(charges_of(tmp_path_factory.mktemp("tokens"), CONNECTOR, *rows))
    return {name: [next(found) for _ in part] for name, part in parts.items()}


def test_the_usage_type_says_model_token_type_and_tier(charges: dict[str, list[Row]]) -> None:
    for meter, row in zip(OWN, charges["own"], strict=True):
        assert (row["x_model"], row["x_token_type"], row["x_service_tier"]) == OWN[meter], meter
        assert row["x_charge_kind"] == "tokens"
        assert row["x_token_type"] in TOKEN_TYPES


def test_marketplace_says_the_model_in_its_product_name(charges: dict[str, list[Row]]) -> None:
    for meter, row in zip(MARKETPLACE, charges["marketplace"], strict=True):
        assert (row["x_token_type"], row["x_service_tier"]) == MARKETPLACE[meter], meter
        assert row["x_model"] == "Claude Sonnet 4.5"
        assert (row["service_provider_name"], row["service_name"]) == ("AWS", SONNET)
        assert row["service_category"] == "AI and Machine Learning"


def test_what_no_pattern_knows_has_no_token_type_and_keeps_its_cost(
    charges: dict[str, list[Row]],
) -> None:
    for row in charges["unknown"]:
        assert (row["x_charge_kind"], row["x_token_type"]) == (None, None), row["x_usage_type"]
        assert row["billed_cost"] == 1
        assert row["consumed_unit"] != "Tokens"


def test_every_unit_gives_the_same_12500_tokens(charges: dict[str, list[Row]]) -> None:
    for name, row in zip(UNITS, charges["units"], strict=True):
        assert (row["consumed_quantity"], row["consumed_unit"]) == (12_500, "Tokens"), name
        assert (row["pricing_quantity"], row["pricing_unit"]) == (
            Decimal("0.0125"),
            "1000000 Tokens",
        ), name


def test_prices_are_of_a_million_tokens(tmp_path: Path) -> None:
    price = {"pricing_public_on_demand_rate": "0.0008", "line_item_unblended_rate": "0.0008"}
    cost = {"line_item_unblended_cost": "0.01", "pricing_public_on_demand_cost": "0.01"}
    [row] = charges_of(tmp_path, CONNECTOR, own("NovaPro-input-tokens") | price | cost)
    assert row["list_unit_price"] == row["contracted_unit_price"] == Decimal("0.8")
    assert row["list_cost"] == row["list_unit_price"] * row["pricing_quantity"]
    assert json.loads(row["sku_price_details"]) == {
        "x_ModelId": "NovaPro",
        "x_TokenDirection": "Input",
        "x_ServiceTier": "standard",
    }
    assert row["sku_meter"] == "Input Tokens"


def test_who_called_bedrock_stands_where_other_vendors_have_the_key(tmp_path: Path) -> None:
    caller = "arn:aws:sts::111122223333:assumed-role/replies/session"
    known, unknown = charges_of(
        tmp_path,
        CONNECTOR,
        own("NovaPro-input-tokens", line_item_iam_principal=caller),
        own("NovaPro-input-tokens"),
    )
    assert (known["x_api_key_id"], unknown["x_api_key_id"]) == (caller, None)
