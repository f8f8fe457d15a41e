"""Bugs that others shipped, each a test with the numbers of the public report where it has some.

Here is what concerns the engine. What concerns reading is tested beside the connectors: gateway
logs in test_litellm_tokens.py, test_litellm_spend_logs.py, test_langfuse_observations.py and
test_helicone_requests.py, sentinel values and rate() in test_prometheus_gauges.py and
test_prometheus_counters.py, parents that repeat usage also in test_otel_genai_tokens.py.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from shipped import DAY, attempt, build, gpu_hour, line, query, state

D = Decimal

# Each builds some models of the ledger anew.
pytestmark = pytest.mark.slow


def lines() -> list[dict[str, Any]]:
    return [
        line("cached-twice", "uncached_input", 28_000_000, 28_000),
        line("cached-twice", "cache_read", 72_000_000, 72_000),
        line("discount", "uncached_input", 2_000_000, 2_000),
        line("discount", "cache_read", 4_000_000, 8_000),
        line("writes", "uncached_input", 1_000_000, 1_000),
        line("writes", "cache_write_5m", 375_000, 300),
        line("writes", "cache_write_1h", 400_000, 200),
        line("stream", "output", 10_000_000, 1_000),
        line("failure", "output", 5_000_000, 500),
        line("retries", "output", 3_000_000, 300),
        line("retries", "output", 2_000_000, 100, x_model="larger"),
        line("twice", "output", 7_000_000, 700),
        line("cache-hit", "output", 10_000_000, 1_000),
        *(line("days", "output", 24_000_000_000, 24, day=f"2026-10-0{day}") for day in (5, 6)),
        line("dated", "output", 2_000_000_000, None, x_model="dated"),
        line("dated", "output", 1_000_000_000, None, day="2026-10-06", x_model="dated"),
        line("unknown", "output", 5_000_000_000, None, x_model="nobody-prices-it"),
        line("rejected", "output", 9_000_000_000, 9_000),
        line("tiers", "output", 1_000_000_000, 100_000),
        line("tiers", "output", 500_000_000, 100_000, x_service_tier="batch"),
        line("parent", "output", 6_000_000, 600),
        line(
            "tags",
            "output",
            8_000_000_000,
            None,
            x_charge_kind=None,
            tags='{"team": "search", "app": "web", "owner": "team"}',
        ),
    ]


def attempts() -> list[dict[str, Any]]:
    return [
        attempt("cached-twice", "1", {"uncached_input": 28_000, "cache_read": 72_000}),
        attempt("discount", "1", {"uncached_input": 2_000}, customer_id="fresh"),
        attempt("discount", "2", {"cache_read": 8_000}, customer_id="cached"),
        attempt(
            "writes", "1", {"uncached_input": 1_000, "cache_write_5m": 300, "cache_write_1h": 200}
        ),
        attempt("stream", "whole", {"output": 600}),
        attempt("stream", "broken", {}),
        attempt("stream", "zero", {"output": 0}),
        attempt("failure", "1", {"output": 500}, status="error", error_type="timeout"),
        attempt("retries", "1", {"output": 300}, status="error", inference_id="op"),
        attempt("retries", "2", {"output": 100}, response_model="larger", inference_id="op"),
        attempt("twice", "1", {"output": 700}),
        attempt("cache-hit", "1", {"output": 1_000}),
        attempt("cache-hit", "2", {"output": 1_000}, status="cached"),
        *(
            attempt("days", f"{day}-{hour}", {"output": 1}, ended_at=f"{day} {hour:02d}:59:59")
            for day in (DAY, "2026-10-06")
            for hour in range(24)
        ),
        *(
            attempt("dated", number, {"output": 1_000_000}, request_model="dated", ended_at=at)
            for number, at in (("1", f"{DAY} 10:00:01"), ("2", "2026-10-06 00:00:01"))
        ),
        attempt("unknown", "1", {"output": 1_000_000}, request_model="nobody-prices-it"),
        *(
            attempt("rejected", str(n), {"output": 10}, status="rejected" if n < 600 else "ok")
            for n in range(1500)
        ),
        attempt("tiers", "1", {"output": 100_000}),
        attempt("tiers", "2", {"output": 100_000}, service_tier="batch"),
        attempt("parent", "caller", {"output": 600}),
        attempt("parent", "leaf", {"output": 600}, absent_parent_span_id="caller"),
        attempt("gpu", "1", {"output": 10}, pod_uid="crowded", ended_at=f"{DAY} 10:30:01"),
    ]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    again = [row for row in attempts() if row["trace_id"] == "twice"]
    states = [
        state("crowded", "starting", "10:00:00", "10:20:00"),
        state("crowded", "ready", "10:05:00", "10:59:00"),
        state("quiet", "ready", "10:00:00", "10:15:00"),
    ]
    machines = [gpu_hour("crowded", 36_000_000_000), gpu_hour("quiet", 4_000_000_000)]
    slots = {DAY: attempts(), "again": again}
    return build(tmp_path_factory.mktemp("shipped"), lines(), slots, machines, states)


def costs(warehouse: Path, project: str) -> dict[str, Decimal | None]:
    """Return direct cost by attempt."""
    sql = (
        "select split_part(attempt_id, ':', 2), direct_cost from marts.attempt_costs "
        f"where attempt_id like '{project}:%'"
    )
    return dict(query(warehouse, sql))


def bridge(warehouse: Path, project: str) -> dict[str, tuple[Any, ...]]:
    sql = (
        "select token_type, traced_tokens, effective_cost, unmatched_cost, is_over_traced "
        f"from marts.token_lines_daily where sub_account_id = '{project}'"
    )
    return {row[0]: row[1:] for row in query(warehouse, sql)}


def test_cached_tokens_are_not_counted_twice(warehouse: Path) -> None:
    """litellm 37407: 72 % above the vendor's bill. Also langfuse 10592 and 5568."""
    assert costs(warehouse, "cached-twice") == {"1": D("0.1")}
    found = bridge(warehouse, "cached-twice")
    assert found["uncached_input"] == (28_000, D("0.028"), 0, False)
    assert found["cache_read"] == (72_000, D("0.072"), 0, False)


def test_the_discount_of_cached_tokens_goes_to_whoever_used_the_cache(warehouse: Path) -> None:
    """litellm 28009: without it 8,000 cached and 2,000 other tokens cost 0.010, 67 % over."""
    found = costs(warehouse, "discount")
    assert found == {"1": D("0.002"), "2": D("0.004")}
    assert D("0.010") / sum(filter(None, found.values())) == D(10) / D(6)


def test_the_detail_of_cache_writes_does_not_replace_the_other_tokens(warehouse: Path) -> None:
    """litellm 42663: 20 to 60 % under. The detail alone would be 0.000775 of 0.001775."""
    assert costs(warehouse, "writes") == {"1": D("0.001775")}


def test_a_broken_stream_is_unmatched_and_an_explicit_zero_is_no_missing_count(
    warehouse: Path,
) -> None:
    """litellm 14457 and 37992."""
    assert costs(warehouse, "stream") == {"whole": D("0.006"), "broken": None, "zero": D(0)}
    assert bridge(warehouse, "stream")["output"] == (600, D("0.010"), D("0.004"), False)
    reasons = query(
        warehouse,
        "select unpriced_reason from marts.attempt_costs where attempt_id = 'stream:broken'",
    )
    assert reasons == [("the span carries no token counts",)]


def test_a_failure_that_was_billed_has_its_cost(warehouse: Path) -> None:
    """litellm 37365: 0 tokens and no cost."""
    assert costs(warehouse, "failure") == {"1": D("0.005")}


def test_retries_are_no_requests_and_a_fallback_keeps_the_model_that_was_asked_for(
    warehouse: Path,
) -> None:
    """litellm 39455 and 38107."""
    found = query(
        warehouse,
        "select attempts, is_successful, direct_cost, failed_cost from marts.inference_costs "
        "where inference_id = 'op'",
    )
    assert found == [(2, True, D("0.005"), D("0.003"))]
    counted = query(
        warehouse,
        "select inferences, attempts from marts.customer_costs_daily where customer_id = 'retries'",
    )
    assert counted == [(1, 2)]
    models = query(
        warehouse,
        "select request_model, model from marts.attempt_costs where attempt_id = 'retries:2'",
    )
    assert models == [("m", "larger")]


def test_a_request_that_was_logged_twice_costs_once(warehouse: Path) -> None:
    """litellm 15740, 17814 and 34675."""
    assert costs(warehouse, "twice") == {"1": D("0.007")}
    assert bridge(warehouse, "twice")["output"] == (700, D("0.007"), 0, False)


def test_a_cache_hit_costs_nothing_and_its_tokens_are_no_use(warehouse: Path) -> None:
    """litellm 39057: the tokens of hits stood in the totals."""
    assert costs(warehouse, "cache-hit") == {"1": D("0.010"), "2": D(0)}
    assert bridge(warehouse, "cache-hit")["output"] == (1_000, D("0.010"), 0, False)
    tokens = query(
        warehouse,
        "select output_tokens from marts.attempt_costs where attempt_id = 'cache-hit:2'",
    )
    assert tokens == [(0,)]


def test_the_days_of_a_range_add_up_to_the_range(warehouse: Path) -> None:
    """litellm 29568: the days were 50 % more than their range; 27780: eight times as much."""
    days = query(
        warehouse,
        "select charge_date::varchar, direct_cost, inferences from marts.customer_costs_daily "
        "where customer_id = 'days' order by 1",
    )
    assert days == [("2026-10-05", D(24), 24), ("2026-10-06", D(24), 24)]
    month = query(
        warehouse,
        "select direct_cost, inferences from exports.customer_costs where customer_id = 'days'",
    )
    assert month == [(D(48), 48)]


def test_a_price_holds_on_its_days(warehouse: Path) -> None:
    """langfuse 12184: with one of the prices for both days 3 dollars would be 2 or 4."""
    assert costs(warehouse, "dated") == {"1": D(2), "2": D(1)}
    parts = query(
        warehouse,
        "select estimated_cost, unexplained_cost from marts.estimate_bridge "
        "where sub_account_id = 'dated' order by charge_date",
    )
    assert parts == [(D(2), D(0)), (D(1), D(0))]


def test_a_model_without_a_price_costs_nobody_knows_what_and_not_nothing(warehouse: Path) -> None:
    """langfuse 4072 and 10879: 0 dollars. The 5 dollars that the vendor billed are unmatched."""
    assert costs(warehouse, "unknown") == {"1": None}
    assert bridge(warehouse, "unknown")["output"] == (1_000_000, D(5), D(5), False)
    found = query(
        warehouse,
        "select estimated_cost, unexplained_cost from marts.estimate_bridge "
        "where sub_account_id = 'unknown'",
    )
    assert found == [(None, D(5))]


def test_idle_time_is_never_negative_and_the_states_add_up_to_the_bill(warehouse: Path) -> None:
    """OpenCost 3387: negative idle cost set to 0; 2172: a total 27 % below the bill."""
    states = query(
        warehouse,
        "select resource_id, sum(effective_cost), min(effective_cost) >= 0, sum(nanoseconds) "
        "from marts.capacity_states group by all order by 1",
    )
    hour = 3_600_000_000_000
    assert states == [("crowded", D(36), True, hour), ("quiet", D(4), True, hour)]


def test_a_rejected_request_costs_nothing_whatever_tokens_it_carries(warehouse: Path) -> None:
    """600 of 1,500 rows of a public trace (VTC, rpm 10) are rejected and carry output tokens."""
    found = costs(warehouse, "rejected")
    assert sum(1 for cost in found.values() if cost is None) == 600
    assert {cost for cost in found.values() if cost is not None} == {D("0.010")}
    assert bridge(warehouse, "rejected")["output"] == (9_000, D(9), 0, False)


def test_several_tags_and_rules_do_not_multiply_a_charge(warehouse: Path) -> None:
    """A join of charges with their tags gives a row a tag: three times 8 dollars."""
    found = query(
        warehouse,
        "select team, rule_id, effective_cost from marts.allocated_costs where rule_id is not null",
    )
    assert found == [("search", "by-team", D(8))]


def test_standard_and_batch_tokens_have_prices_of_their_own(warehouse: Path) -> None:
    """One blended price would be 0.75 for both."""
    assert costs(warehouse, "tiers") == {"1": D("1.00"), "2": D("0.50")}


def test_a_parent_that_repeats_the_usage_of_its_child_is_not_counted(warehouse: Path) -> None:
    """The caller's span came in another file than the server's: the server's is the attempt."""
    assert costs(warehouse, "parent") == {"leaf": D("0.006")}
