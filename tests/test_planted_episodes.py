"""What was planted is found, priced within a hundredth of the truth, and nothing else is reported
above the noise that docs/scaling.md and docs/guardrails.md state.
"""

from collections.abc import Iterator
from decimal import Decimal

import duckdb
import pytest
from company import ROOT, Company
from episodes import episodes

PERCENT = Decimal("0.01")
# What the docs call noise.
UNUSED_MS, BREACHES, RETRIED = 3_600_000, 10, 1
# Where the cost of an episode is seen, by what it is called there.
STANDS_OUT = {
    "unused_model": {"calls-gpu", "calls_runpod", "Runpod Pods"},
    "retry_storm": {
        "call-transcripts", "title_call", "gpt-4.1-nano", "cust-014", "calls_openai", "OpenAI API",
    },
    "anomaly": {
        "call-summary", "summarize_call", "gpt-4.1-mini", "cust-009", "calls_openai", "OpenAI API",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def warehouse(company: Company) -> Iterator[duckdb.DuckDBPyConnection]:
    with company.connect() as connection:
        yield connection


def near(cost: Decimal | None) -> object:
    assert cost is not None
    return pytest.approx(cost, rel=PERCENT)


def test_only_the_planted_machines_wait_for_demand_for_more_than_an_hour(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    rows = warehouse.execute(
        "select resource_id, first_pod_ready_at, used_at, unused_ms, overshoot_cost"
        " from marts.scale_outs where unused_ms > ? order by started_at",
        [UNUSED_MS],
    ).fetchall()
    (early,), (unasked,) = episodes("overshoot"), episodes("unused_model")

    assert [row[0] for row in rows] == [early.resource_id, unasked.resource_id]
    assert rows[0][1:4] == (early.started_at, early.ended_at, early.quantity)
    assert rows[0][4] == near(early.cost)
    assert rows[1][2] is None  # no request until its end


def test_a_day_of_overshoot_costs_what_its_machine_cost_before_its_first_request(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    (early,) = episodes("overshoot")
    rows = warehouse.execute(
        "select owner, idle_cost, recoverable_cost_estimate from marts.idle_waste_daily"
        " where reason = 'overshoot' and pool = ? and charge_date = ?::date",
        [early.value, early.started_at],
    ).fetchall()
    # Ten minutes of cooldown, drain and warm-up could not have been saved.
    saved = (early.cost or 0) * (1 - 630_000 / early.quantity)
    assert rows == [("assist", near(early.cost), near(saved))]


def test_one_lag_is_long_enough_to_matter_and_costs_what_those_who_waited_were_worth(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    rows = warehouse.execute(
        "select pool, need_at, ready_at, lag_ms, slo_breaches, over_slo_ms, lost_operations,"
        " value_currency, revenue_at_risk_observed_estimate, revenue_at_risk_modelled_estimate"
        " from marts.scaling_episodes where slo_breaches >= ? or lost_operations > 0",
        [BREACHES],
    ).fetchall()
    told = {episode.unit: episode for episode in episodes("lag")}
    lost, waiting = told["lost operations"], told["waiting operations"]

    assert rows == [
        (
            lost.value,
            lost.started_at,
            lost.ended_at,
            told["ms of lag"].quantity,
            told["breaches"].quantity,
            told["ms over target"].quantity,
            lost.quantity,
            "USD",
            near(lost.cost),
            near(waiting.cost),
        )
    ]


@pytest.mark.parametrize(("kind", "planted"), [("machine", "thrash"), ("model", "swap")])
def test_only_what_was_planted_goes_back_and_forth_at_a_loss(
    warehouse: duckdb.DuckDBPyConnection, kind: str, planted: str
) -> None:
    rows = warehouse.execute(
        "select down_resource_id, down_at, up_at, loss_cost_estimate, gap_ms, break_even_gap_ms"
        " from marts.scaling_cycles where is_thrash and kind = ? order by down_at",
        [kind],
    ).fetchall()
    known = episodes(planted)
    assert len(known) == 4
    assert [row[:4] for row in rows] == [
        (one.resource_id, one.started_at, one.ended_at, near(one.cost)) for one in known
    ]
    assert all(row[5] is None or row[4] < row[5] for row in rows)


def test_only_the_planted_storm_of_retries_costs_a_feature_more_than_a_dollar_a_day(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    rows = warehouse.execute(
        "select charge_date, value, retried_attempts, retried_cost from marts.wasted_costs_daily"
        " where entity = 'feature' and retried_cost > ?",
        [RETRIED],
    ).fetchall()
    (storm,) = episodes("retry_storm")
    assert rows == [(storm.started_at.date(), storm.value, storm.quantity, near(storm.cost))]


def test_the_only_model_that_nobody_asked_anything_costs_what_its_machine_does(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    rows = warehouse.execute(
        "select version, requests, version_cost, holding_cost from marts.model_versions_monthly"
        " where requests = 0"
    ).fetchall()
    (unasked,) = episodes("unused_model")
    assert rows == [(unasked.value, 0, near(unasked.cost), near(unasked.cost))]


def test_the_planted_anomaly_is_told_with_its_exact_cost_its_excess_and_who_answers_for_it(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    rows = warehouse.execute(
        "select charge_date, observed_cost, excess_estimate, owner from marts.anomalies"
        " where entity = 'feature' and value = 'call-summary'"
    ).fetchall()
    (planted,) = episodes("anomaly")
    day = planted.started_at.date()
    assert rows == [(day, near(planted.quantity), near(planted.cost), "m.okafor")]


def test_the_evidence_of_the_anomaly_is_the_customer_and_the_model_that_it_came_from(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    (planted,) = episodes("anomaly")
    rows = warehouse.execute(
        "select part_entity, part_value, observed_cost, change_estimate"
        " from marts.anomaly_evidence where entity = 'feature' and value = 'call-summary'"
        " and part_entity in ('customer_id', 'model')"
    ).fetchall()
    costs = (near(planted.quantity), near(planted.cost))
    assert sorted(rows) == [
        ("customer_id", "cust-009", *costs),
        ("model", "gpt-4.1-mini", *costs),
    ]


def test_nothing_stands_out_that_was_not_planted(warehouse: duckdb.DuckDBPyConnection) -> None:
    """In the days of the large machine everything does, and whoever used it."""
    (large,) = episodes("large_machine")
    rows = warehouse.execute(
        "select charge_date, value from marts.anomalies where charge_date not in"
        " (select unnest($days))",
        {"days": large.days()},
    ).fetchall()
    of_whole_company = {"(all)", "assist", "m.okafor"}
    allowed = {
        (day, value)
        for kind, values in STANDS_OUT.items()
        for one in episodes(kind)
        for day in one.days()
        for value in values | of_whole_company
    }
    assert set(rows) - allowed == set()


def test_the_docs_state_what_is_noise() -> None:
    scaling, guardrails = (
        " ".join((ROOT / "docs" / name).read_text().split())
        for name in ("scaling.md", "guardrails.md")
    )
    assert "with more than an hour of `unused_ms`" in scaling
    assert "with ten `slo_breaches` or more, or with `lost_operations`" in scaling
    assert "with 0 `requests`: no threshold is needed" in scaling
    assert "Loss is 0 unless a gap is under its break-even" in scaling
    assert "with more than a dollar of `retried_cost`" in guardrails
