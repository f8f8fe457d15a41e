"""The marts against what everything truly cost, computed apart by brute force."""

import csv
from collections import Counter, defaultdict
from decimal import Decimal

import duckdb
import pytest
import yaml
from company import ROOT, Company

TRUTH = ROOT / "data_samples" / "truth"
NANO = Decimal("0.000000001")


def half_digits() -> Decimal:
    """Half the last printed digit of every line that the vendors delivered."""
    with (TRUTH / "lines.csv").open() as file:
        return sum(
            (int(row["lines"]) * Decimal(row["last_digit"]) / 2 for row in csv.DictReader(file)),
            Decimal(0),
        )


def traced_sources() -> list[str]:
    """The sources whose true costs are known: those of the traffic that was traced."""
    with (TRUTH / "lines.csv").open() as file:
        return sorted({row["source"] for row in csv.DictReader(file)})


def true_components() -> dict[tuple[str, str], Decimal]:
    rows = duckdb.execute(
        "select customer_id, component, cost from read_parquet(?)",
        [str(TRUTH / "customer_components.parquet")],
    ).fetchall()
    costs: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for customer, component, cost in rows:
        costs[customer, component] += cost
    return costs


def attempts_by_customer() -> Counter[str]:
    rows = duckdb.execute(
        "select coalesce(customer_id, '(none)') from read_parquet(?)",
        [str(TRUTH / "attempts.parquet")],
    ).fetchall()
    return Counter(row[0] for row in rows)


def test_every_customer_and_component_is_true_within_the_printed_digits(company: Company) -> None:
    with company.connect() as warehouse:
        found = {
            (customer, component): cost
            for customer, component, cost in warehouse.execute(
                "select customer_id, component, sum(effective_cost)"
                " from marts.allocated_costs where list_contains(?, source) group by all",
                [traced_sources()],
            ).fetchall()
        }
    truth, attempts = true_components(), attempts_by_customer()
    allowed = half_digits()
    wrong = {
        key: (found.get(key, Decimal(0)), truth[key])
        for key in truth.keys() | found.keys()
        if abs(found.get(key, Decimal(0)) - truth[key]) > allowed + attempts[key[0]] * NANO
    }
    assert wrong == {}
    assert len(truth) > 150


def test_every_observed_attempt_has_its_true_direct_cost(company: Company) -> None:
    with company.connect() as warehouse:
        rows = warehouse.execute(
            """
            with found as (
                select attempt_id, sum(direct_cost) as direct_cost
                from marts.attempt_costs group by attempt_id
            )
            select
                truth.attempt_id, truth.is_observed, truth.outcome, truth.true_direct_cost,
                found.direct_cost
            from read_parquet(?) as truth left join found on truth.attempt_id = found.attempt_id
            """,
            [str(TRUTH / "attempts.parquet")],
        ).fetchall()
    # An attempt pays a part of a few lines, each rounded by the vendor: half a digit each.
    allowed = 3 * Decimal("0.0000005") + 10 * NANO
    observed = [row for row in rows if row[1] and row[2] != "rejected"]
    assert len(observed) > 18_000
    assert [row for row in observed if row[4] is None or abs(row[4] - row[3]) > allowed] == []
    # What telemetry does not show has no cost, with a reason; it is never 0.
    unseen = [row for row in rows if not row[1] or row[2] == "rejected"]
    assert {row[4] for row in unseen} == {None}


def test_what_is_not_observed_stays_unmatched_and_nobody_else_pays_for_it(company: Company) -> None:
    with company.connect() as warehouse:
        payers = warehouse.execute(
            "select distinct customer_id from marts.allocated_costs where component = 'unmatched'"
        ).fetchall()
        no_reason = warehouse.execute(
            "select count(*) from marts.attempt_costs"
            " where direct_cost is null and unpriced_reason is null"
        ).fetchone()
    assert payers == [("(none)",)]
    assert no_reason == (0,)


def test_the_books_close_at_zero_for_every_source_period_and_step(company: Company) -> None:
    with (ROOT / "data_samples" / "control_totals.csv").open() as file:
        configured = yaml.safe_load(company.config.read_text())["sources"]
        stated = {
            (row["source"], row["billing_period"]): row["billed_cost"]
            for row in csv.DictReader(file)
            if row["billing_period"] and row["source"] in configured
        }
    with company.connect() as warehouse:
        rows = warehouse.execute(
            "select source, billing_period, step, expected_cost, difference, error"
            " from marts.cost_reconciliation"
        ).fetchall()
    # A vendor that states no cost has its use priced by the rate card.
    charged = ("landed", "normalized", "effective", "allocated")
    metered = ("landed", "priced", "effective", "allocated")
    assert {row[:3] for row in rows} == {
        (*key, step) for key, cost in stated.items() for step in (charged if cost else metered)
    }
    assert [row for row in rows if row[4] != 0 or row[5]] == []
    assert {row[:2]: row[3] for row in rows if row[2] == "landed"} == {
        key: Decimal(cost) if cost else None for key, cost in stated.items()
    }


def test_gpu_states_are_those_of_the_truth(company: Company) -> None:
    with (TRUTH / "states.csv").open() as file:
        truth: dict[tuple[str, str, str], int] = defaultdict(int)
        for row in csv.DictReader(file):
            key = (row["resource_id"], row["hour"][:13], row["state"])
            truth[key] += int(row["milliseconds"])
    with company.connect() as warehouse:
        found = {
            (resource, hour, state): nanoseconds
            for resource, hour, state, nanoseconds in warehouse.execute(
                "select resource_id, strftime(charge_period_start, '%Y-%m-%dT%H'), state,"
                " sum(nanoseconds) from marts.capacity_states group by all"
            ).fetchall()
        }
    # Shares of busy time are whole nanoseconds: a rounding each for the attempts of an hour.
    wrong = {
        key: (found.get(key), milliseconds)
        for key, milliseconds in truth.items()
        if milliseconds and abs(found.get(key, 0) - milliseconds * 1_000_000) > 1000
    }
    assert wrong == {}
    assert len(truth) > 100


@pytest.mark.parametrize("entity", ["customer", "feature", "workflow", "model"])
def test_days_add_up_to_the_ledger(company: Company, entity: str) -> None:
    with company.connect() as warehouse:
        daily = warehouse.execute(
            f"select sum(effective_cost) from marts.{entity}_costs_daily"
        ).fetchone()
        ledger = warehouse.execute(
            "select sum(effective_cost) from marts.allocated_costs"
        ).fetchone()
    assert daily == ledger
