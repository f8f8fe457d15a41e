"""SKUs of models as tokens: which model, which kind, how many; and numbers read exactly."""

from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import duckdb
from gcp_rows import Gcp, row
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.gcp_billing_export._columns import number

# Description: model, token type, service tier.
SKUS: dict[str, tuple[str | None, str | None, str | None]] = {
    "Gemini 2.5 Flash GA Text Input - Predictions": ("gemini-2.5-flash", "uncached_input", None),
    "Gemini 2.5 Flash GA Text Output - Predictions": ("gemini-2.5-flash", "output", None),
    "Gemini 2.5 Flash GA Thinking Text Output - Predictions": ("gemini-2.5-flash", "output", None),
    "Gemini 2.5 Flash Text Output (Thinking On) - Batch Predictions": (
        "gemini-2.5-flash", "output", "batch",
    ),
    "Gemini 2.5 Flash GA Audio Input - Predictions": ("gemini-2.5-flash", "audio_input", None),
    "Gemini 2.0 Flash Text Input (Long) - Predictions": (
        "gemini-2.0-flash", "uncached_input", None,
    ),
    "Gemini 2.5 Pro Input Text Caching (Long)": ("gemini-2.5-pro", "cache_read", None),
    "Gemini 3 Flash Text Input Caching": ("gemini-3-flash", "cache_read", None),
    "Gemini 3.7 Flash Global Text Input - Predictions": (
        "gemini-3.7-flash", "uncached_input", None,
    ),
    "Gemini 3 Flash Image Input Priority - Predictions": (
        "gemini-3-flash", "uncached_input", "priority",
    ),
    "Generate content input token count gemini 2.5 flash short input text": (
        "gemini-2.5-flash", "uncached_input", None,
    ),
    "Generate content output token count gemini 3.1 flash lite preview text": (
        "gemini-3.1-flash-lite-preview", "output", None,
    ),
    "Generate_content_cached_input_token_count_gemini_3_pro_short_image": (
        "gemini-3-pro", "cache_read", None,
    ),
    "Generate_content text output token count for gemini 3 flash batch": (
        "gemini-3-flash", "output", "batch",
    ),
    "Claude Sonnet 4.5 Input Tokens": ("claude-sonnet-4.5", "uncached_input", None),
    "Claude Sonnet 4.5 - 5m Cache Write Input Tokens": (
        "claude-sonnet-4.5", "cache_write_5m", None,
    ),
    "Claude Sonnet 4.5 - 1h Cache Write Input Tokens": (
        "claude-sonnet-4.5", "cache_write_1h", None,
    ),
    # No tokens.
    "Gemini 3 Flash Text Input Caching Storage": (None, None, None),
    "LLM Grounding with Google Search tool - Predictions": (None, None, None),
    "Gemini 1.0 Pro Text Input Characters": (None, None, None),
    "Gemini 9 Ultra Dreams - Predictions": (None, None, None),
    "Embeddings for Text - Online requests": (None, None, None),
    "Vector Search Index Serving e2-standard-16": (None, None, None),
}  # fmt: skip


def tokens(sku: str, amount: Any = 1_500_000, block: str = "1000000") -> dict[str, Any]:
    return row(
        "0.45",
        service__description="Vertex AI",
        sku__description=sku,
        usage={"amount": amount, "unit": "requests", "amount_in_pricing_units": amount,
               "pricing_unit": "count"},
        price={"effective_price": "0.3",
               "pricing_unit_quantity": block},
    )  # fmt: skip


def test_a_sku_says_the_model_and_the_kind_of_its_tokens(tmp_path: Path) -> None:
    rows = [tokens(sku) for sku in SKUS]
    for item in rows:
        item["price"]["effective_price"] = "0.3"

    charges = Gcp(tmp_path).charges(*rows)

    found = {
        charge["charge_description"]: (
            charge["x_model"], charge["x_token_type"], charge["x_service_tier"],
        )
        for charge in charges
    }  # fmt: skip
    assert found == SKUS


def test_tokens_are_raw_and_priced_by_the_million(tmp_path: Path) -> None:
    sku = "Gemini 2.5 Flash GA Text Input - Predictions"
    rows = [tokens(sku), tokens(sku, block="1000"), tokens(sku, block="1")]
    for item, price in zip(rows, ("0.3", "0.0003", "0.0000003"), strict=True):
        item["price"]["effective_price"] = price

    for charge in Gcp(tmp_path).charges(*rows):
        assert (charge["consumed_quantity"], charge["consumed_unit"]) == (1_500_000, "Tokens")
        assert charge["pricing_quantity"] == Decimal("1.5")
        assert charge["pricing_unit"] == "1000000 Tokens"
        assert charge["contracted_unit_price"] == Decimal("0.3")
        assert charge["contracted_cost"] == charge["billed_cost"] == Decimal("0.45")
        assert charge["x_charge_kind"] == "tokens"
        assert charge["sku_meter"] == "Input Tokens"
        assert charge["service_subcategory"] == "Generative AI"


def test_a_sku_of_a_model_that_is_no_tokens_keeps_googles_own_unit(tmp_path: Path) -> None:
    sku = "LLM Grounding with Google Search tool - Predictions"
    item = tokens(sku, 30, "1000000")
    item["price"]["effective_price"] = "15000"

    (charge,) = Gcp(tmp_path).charges(item)

    assert (charge["consumed_quantity"], charge["consumed_unit"]) == (30, "Requests")
    assert charge["pricing_unit"] == "1000000 Count"
    assert charge["contracted_cost"] == Decimal("0.45")
    assert charge["x_charge_kind"] is None


numbers = st.one_of(
    st.decimals(min_value=-(10**25), max_value=10**25, places=12, allow_nan=False).map(str),
    st.integers(min_value=-(10**25), max_value=10**25).map(str),
    st.floats(min_value=-1e17, max_value=1e17, allow_nan=False).map(repr),
    st.sampled_from(["0", "-0.0", "5", "137438953472.0", "999999999999.999999", "1e-06", "4.5E+3"]),
)


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(numbers, min_size=1, max_size=20))
def test_numbers_are_read_exactly_however_fast(texts: list[str]) -> None:
    found = duckdb.execute(
        f"select {number('x')} from (select unnest(?) as x)", [texts]
    ).fetchall()  # fmt: skip

    with localcontext(prec=60):
        for (read,), text in zip(found, texts, strict=True):
            assert abs(read - Decimal(text)) <= Decimal("5e-13")
            if Decimal(text) == Decimal(text).quantize(Decimal("1e-12")):
                assert read == Decimal(text)
