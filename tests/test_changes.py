"""Why costs changed, in the sample company: what the marts say against the ledger, and against
logarithms taken by hand from the states of its GPUs.
"""

from decimal import Decimal
from typing import Any

import duckdb
import pytest
from company import Company

ENTITIES = ("all", "customer_id", "feature", "workflow", "team", "model", "environment")
EFFECTS = {
    *("days", "volume", "pool_mix", "tokens_per_request", "model_mix", "token_mix", "price"),
    *("efficiency", "utilization", "shape", "purchase_option", "commitment", "share", "rule"),
    *("restatement", "service", "shared", "overhead", "tax", "credit", "unmatched"),
}
PERIODS = {"month": "date_trunc('month', charge_date)", "week": "date_trunc('week', charge_date)"}
WEEKS = ("2026-10-12", "2026-10-19")


def _rows(company: Company, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    with company.connect() as warehouse:
        return warehouse.execute(query, list(parameters)).fetchall()


@pytest.mark.parametrize("kind", PERIODS)
@pytest.mark.parametrize("currency", ["USD", "EUR"])
def test_the_changes_of_every_entity_add_up_to_the_difference_of_the_ledger(
    company: Company, kind: str, currency: str
) -> None:
    ledger = _rows(
        company,
        f"""
        select {PERIODS[kind]}::date as period, sum(effective_cost)
        from marts.allocated_costs where billing_currency = ? group by period order by period
        """,
        currency,
    )
    changes = _rows(
        company,
        """
        select period_start, entity, sum(cost_change) from marts.cost_changes
        where period_kind = ? and billing_currency = ? and entity <> 'pool' group by all
        """,
        kind,
        currency,
    )

    costs = dict(ledger)
    expected = {
        (after, entity): costs[after] - costs[before]
        for before, after in zip(list(costs), list(costs)[1:], strict=False)
        for entity in ENTITIES
    }
    assert {(start, entity): change for start, entity, change in changes} == expected


def test_effects_are_a_closed_list_and_each_part_has_one_once(company: Company) -> None:
    found = _rows(company, "select distinct effect from marts.cost_changes")
    repeated = _rows(
        company,
        """
        select 1 from marts.cost_changes
        group by period_kind, period_start, billing_currency, entity, value, kind, part, effect
        having count(*) > 1
        """,
    )

    assert {effect for (effect,) in found} <= EFFECTS
    assert repeated == []


def _measured(warehouse: duckdb.DuckDBPyConnection, week: str) -> dict[str, Decimal]:
    """What a week's machines of the chat pool cost and did, from other marts than the changes'."""
    within = f"charge_date between date '{week}' and date '{week}' + 6"
    paid = warehouse.execute(f"""
        select sum(effective_cost), sum(nanoseconds), sum(nanoseconds) filter (where state = 'busy')
        from marts.capacity_states where pool = 'chat-gpu' and {within}
    """).fetchone()
    done = warehouse.execute(f"""
        select count(*), sum(uncached_input_tokens + cache_read_tokens + output_tokens)
        from (
            select *, coalesce(cache_read_tokens, 0) as cache_read_tokens
            from marts.attempt_costs
            where {within} and is_ended and status not in ('rejected', 'cached')
                and capacity_cost is not null and model = 'llama-3.3-70b-instruct'
        )
    """).fetchone()
    assert paid is not None
    assert done is not None
    names = ("cost", "paid", "busy", "requests", "tokens")
    return {
        name: Decimal(value) for name, value in zip(names, (*paid, *done), strict=True) if value
    }


def test_a_pools_effects_are_what_logarithms_by_hand_say(company: Company) -> None:
    with company.connect() as warehouse:
        before, after = (_measured(warehouse, week) for week in WEEKS)
        found = dict(
            warehouse.execute(
                """
                select effect, cost_change from marts.cost_changes
                where period_kind = 'week' and period_start = ? and entity = 'pool'
                    and value = 'chat-gpu'
                """,
                [WEEKS[1]],
            ).fetchall()
        )

    def effect(over: str, under: str | None = None) -> Decimal:
        mean = (after["cost"] - before["cost"]) / (after["cost"] / before["cost"]).ln()
        log = (after[over] / before[over]).ln()
        return mean * (log - ((after[under] / before[under]).ln() if under else 0))

    price = sum(
        found.get(name, Decimal(0)) for name in ("price", "shape", "purchase_option", "commitment")
    )
    expected = {
        "volume": effect("requests"),
        "efficiency": effect("busy", "tokens"),
        "tokens_per_request": effect("tokens", "requests"),
        "utilization": effect("paid", "busy"),
        "price": effect("cost", "paid"),
    }
    assert sum(found.values()) == after["cost"] - before["cost"]
    for name, change in expected.items():
        actual = price if name == "price" else found[name]
        assert abs(actual - change) < Decimal("0.00001"), name


def test_a_machine_that_a_plan_covers_is_measured_by_its_contract_price(company: Company) -> None:
    rows = _rows(
        company,
        """
        select sum(effective_cost), sum(uncommitted_cost), sum(gpu_nanoseconds)
        from marts.capacity_rates_daily where pool = 'chat-gpu' and purchase_option = 'committed'
        """,
    )

    # A p5.4xlarge: 4.00 under the plan, 6.88 on demand.
    effective, uncommitted, _ = rows[0]
    assert abs(uncommitted / effective - Decimal("6.88") / 4) < Decimal("0.000001")
