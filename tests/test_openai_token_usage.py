"""OpenAI's token counts, inclusive and overlapping, as disjoint token types."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors._base import Source
from connectors._sql import session
from connectors.openai_costs import CONNECTOR

OCTOBER_1 = 1790812800
DAY = 86_400

counts = st.integers(0, 10**12)


@settings(deadline=None, max_examples=25)  # a connection an example
@given(
    text=counts, cached=counts, short=counts, long=counts, audio_in=counts, out=counts,
    audio_out=counts, absent=st.sets(st.sampled_from(["cached", "uncached"]), max_size=1),
)  # fmt: skip
def test_token_types_are_disjoint_and_add_up_to_what_the_api_says(
    text: int, cached: int, short: int, long: int, audio_in: int, out: int, audio_out: int,
    absent: set[str],
) -> None:  # fmt: skip
    stated = {
        "input_tokens": text + audio_in + cached + short + long,
        "input_uncached_tokens": None if "uncached" in absent else text + audio_in,
        "input_cached_tokens": None if "cached" in absent else cached,
        "input_cache_write_tokens": short + long,
        "input_cache_write_12h_tokens": long,
        "input_audio_tokens": audio_in,
        "output_tokens": out + audio_out,
        "output_audio_tokens": audio_out,
        "num_model_requests": 3,
    }
    found = {row["token_type"]: row for row in usage_rows("completions", stated)}
    expected = {
        "uncached_input": text, "cache_read": cached, "cache_write_5m": short,
        "cache_write_1h": long, "audio_input": audio_in, "output": out, "audio_output": audio_out,
    }  # fmt: skip
    kept = {name for name, quantity in expected.items() if quantity or name == "uncached_input"}
    assert {name: row["quantity"] for name, row in found.items()} == {
        name: expected[name] for name in kept
    }
    assert sum(row["requests"] or 0 for row in found.values()) == 3


def test_buckets_from_before_the_newer_fields_count_everything_as_uncached() -> None:
    rows = usage_rows("completions", {"input_tokens": 10, "output_tokens": 4})
    assert {row["token_type"]: row["quantity"] for row in rows} == {
        "uncached_input": 10,
        "output": 4,
    }
    (row,) = usage_rows("embeddings", {"input_tokens": 16, "num_model_requests": 2})
    assert (row["operation_name"], row["quantity"], row["requests"]) == ("embeddings", 16, 2)


def usage_rows(endpoint: str, counted: dict[str, int | None]) -> list[dict[str, Any]]:
    """Normalize one usage result without a lake: cheap enough for many examples."""
    columns = {item.name: None for item in CONNECTOR.inputs["usage"]} | {
        "project_id": "p", "api_key_id": "k", "model": "m", "batch": "false", "service_tier": None,
        "x_file": "f", "x_row": "1", "endpoint": endpoint, "start_time": str(OCTOBER_1),
        "end_time": str(OCTOBER_1 + DAY),
    }  # fmt: skip
    columns |= {name: None if value is None else str(value) for name, value in counted.items()}
    source = Source("openai", "", CONNECTOR.options())
    with session() as connection:
        names = ", ".join(f"cast(? as varchar) as {name}" for name in columns)
        connection.execute(f"create temp table usage as select {names}", list(columns.values()))
        query = CONNECTOR.normalize(source)["token_usage"]
        return connection.execute(query).to_arrow_table().to_pylist()
