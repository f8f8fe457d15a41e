"""What attempts of the sample company came to, by hand."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
from company import Company

ANSWERED = ("ok", "cached")
Attempt = dict[str, Any]


def attempts_by_day(company: Company) -> dict[object, list[Attempt]]:
    names = "charge_date, attempt_id, inference_id, operation_name, status, ended_at, is_ended, "
    names += "feature, direct_cost"
    found: dict[object, list[Attempt]] = defaultdict(list)
    with company.connect() as connection:
        for row in connection.execute(f"select {names} from marts.attempt_costs").fetchall():
            attempt = dict(zip(names.split(", "), row, strict=True))
            found[attempt["charge_date"]].append(attempt)
    return found


def outcomes(attempts: list[Attempt]) -> dict[str, str]:
    """The sample has no loops and nobody who leaves."""
    answers: dict[tuple[str, str], Attempt] = {}
    for attempt in sorted(attempts, key=lambda each: (each["ended_at"], each["attempt_id"])):
        if attempt["status"] in ANSWERED:
            answers[attempt["inference_id"], attempt["operation_name"]] = attempt
    found = {}
    for attempt in attempts:
        answer = answers.get((attempt["inference_id"], attempt["operation_name"]))
        if attempt["status"] == "rejected":
            outcome = "rejected"
        elif answer and answer is not attempt:
            outcome = "retried"
        else:
            outcome = "useful" if answer else "failed"
        found[attempt["attempt_id"]] = outcome
    return found


def test_what_became_of_each_features_attempts_is_as_counted_one_by_one(company: Company) -> None:
    costs: dict[tuple[object, str, str], Decimal] = defaultdict(Decimal)
    counts: dict[tuple[object, str, str], int] = defaultdict(int)
    for day, attempts in attempts_by_day(company).items():
        judged = outcomes(attempts)
        for attempt in attempts:
            key = (day, attempt["feature"], judged[attempt["attempt_id"]])
            costs[key] += attempt["direct_cost"] or 0
            counts[key] += attempt["is_ended"]
    with company.connect() as connection:
        rows = connection.execute(
            "select charge_date, value, useful_inferences, failed_attempts, retried_attempts, "
            "rejected_attempts, useful_cost, failed_cost, retried_cost, direct_cost, wasted_cost "
            "from marts.wasted_costs_daily where entity = 'feature'"
        ).fetchall()
    assert len(rows) == len({key[:2] for key in counts})
    for day, feature, *found in rows:
        kinds = ("useful", "failed", "retried", "rejected")
        assert found[:4] == [counts[day, feature, kind] for kind in kinds], (day, feature)
        money = [costs[day, feature, kind] for kind in kinds[:3]]
        assert found[4:7] == money, (day, feature)
        assert found[7:] == [sum(money), money[1] + money[2]], (day, feature)


def test_a_monthly_budget_of_all_has_spent_what_the_month_cost(company: Company) -> None:
    with company.connect() as connection:
        budgets = connection.execute(
            "select strftime(period_start, '%Y-%m'), billing_currency, spent_cost "
            "from marts.budgets where entity = 'all' and period_kind = 'month'"
        ).fetchall()
        costs = connection.execute(
            "select strftime(charge_date, '%Y-%m'), reporting_currency, sum(reporting_cost) "
            "from marts.allocated_costs group by all"
        ).fetchall()
    if not budgets:
        pytest.skip("unitledger.yml has no such budget")
    spent = {(month, currency): round(cost, 12) for month, currency, cost in costs}
    assert {row[:2]: row[2] for row in budgets} == spent
