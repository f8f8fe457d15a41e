"""attempt_estimates, built by dbt, against genai-prices' own calculation attempt by attempt."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from company import ROOT
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import Usage

from pipelines.price_catalog import UNITS
from pipelines.prices import priced_model
from pipelines.warehouse import build_file

pytestmark = pytest.mark.slow

ATTEMPTS = 3_000
_INPUT = ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h")


@pytest.fixture(scope="module")
def attempts(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        patch.syspath_prepend(str(ROOT / "data_samples"))
        from benchmarks.prices import estimate_attempts

        settings = estimate_attempts(tmp_path_factory.mktemp("prices"), ATTEMPTS)
    with duckdb.connect(str(build_file(settings)), read_only=True) as connection:
        rows = connection.execute("""
            select * from marts.attempt_estimates
            inner join (select * exclude (charge_date) from marts.attempt_costs) as attempts
                using (attempt_id)
        """).pl()
    return rows.to_dicts()


def library_price(row: dict[str, Any]) -> Decimal:
    tokens = {name: row[f"{name}_tokens"] or 0 for name in _INPUT}
    usage = Usage(
        input_tokens=sum(tokens.values()),
        cache_read_tokens=tokens["cache_read"],
        cache_write_tokens=tokens["cache_write_5m"] + tokens["cache_write_1h"],
        cache_write_5m_tokens=tokens["cache_write_5m"],
        cache_write_1h_tokens=tokens["cache_write_1h"],
        output_tokens=row["output_tokens"],
        output_reasoning_tokens=row["reasoning_tokens"],
    )
    _, _, context, _ = priced_model(row["provider_name"], row["billed_model"], row["service_tier"])
    calculation = get_snapshot().calc(
        usage,
        row["billed_model"],
        row["provider_name"],
        None,
        row["ended_at"].replace(tzinfo=UTC),
        dict(part.split("=") for part in context.split(";")) if context else None,
    )
    return calculation.total_price


def test_every_estimate_is_what_the_library_calculates(attempts: list[dict[str, Any]]) -> None:
    estimated = [row for row in attempts if row["estimated_cost"] is not None]
    assert len(estimated) > ATTEMPTS * 0.8
    # Half of 10^-12 a token, where a price has more than 6 decimals for a million.
    different = [
        (row["provider_name"], row["billed_model"], row["estimated_cost"], library_price(row))
        for row in estimated
        if abs(row["estimated_cost"] - library_price(row)) > tolerance(row)
    ]
    assert different == []
    exact = sum(row["estimated_cost"] == library_price(row) for row in estimated)
    assert exact > len(estimated) * 0.95


def tolerance(row: dict[str, Any]) -> Decimal:
    tokens = sum(row[f"{name}_tokens"] or 0 for name in UNITS if f"{name}_tokens" in row)
    return tokens * Decimal("5e-13")


def test_the_parts_of_an_estimate_are_its_sum(attempts: list[dict[str, Any]]) -> None:
    parts = [f"{name}_estimate" for name in (*UNITS, "requests")]
    for row in attempts:
        if row["estimated_cost"] is not None:
            assert row["estimated_cost"] == sum(row[name] or 0 for name in parts)


def test_what_has_no_price_has_a_reason_and_no_cost(attempts: list[dict[str, Any]]) -> None:
    for row in attempts:
        assert (row["estimated_cost"] is None) == (row["unestimated_reason"] is not None)
    reasons = {row["unestimated_reason"] for row in attempts} - {None}
    assert "there is no price for output tokens of this model" in reasons


def test_attempts_of_all_hours_and_beyond_every_limit_were_tried(
    attempts: list[dict[str, Any]],
) -> None:
    assert {row["ended_at"].hour for row in attempts} == set(range(24))
    assert max(row["uncached_input_tokens"] for row in attempts) > 272_000
    assert min(row["ended_at"] for row in attempts) < datetime(2026, 2, 1)
