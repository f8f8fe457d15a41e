"""From a cost back to the delivered rows: every level adds up, and every end was delivered."""

import csv
import io
import json
import re
import sys
from collections import defaultdict
from contextlib import redirect_stderr, redirect_stdout
from decimal import Decimal
from typing import Any, NamedTuple
from unittest import mock

import pytest
from company import Company

from pipelines.cli import main
from pipelines.explain._tree import Node, apportion, with_children

DAY = "2026-10-05"
Row = dict[str, str]


class Answer(NamedTuple):
    """What the command answered."""

    returncode: int | str | None
    stdout: str
    stderr: str


def answers(company: Company, *arguments: str) -> Answer:
    """Type the command, in this process."""
    typed = ["unitledger", "explain", *arguments, "--config", str(company.config)]
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", typed),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as stopped,
    ):
        main()
    return Answer(stopped.value.code, out.getvalue(), err.getvalue())


def explained(company: Company, *arguments: str) -> list[Row]:
    answer = answers(company, *arguments, "--format", "csv")
    assert answer.returncode == 0, answer.stderr
    return list(csv.DictReader(io.StringIO(answer.stdout)))


def cost(row: Row) -> Decimal:
    return Decimal(row["effective_cost"] or 0)


def assert_additive(rows: list[Row]) -> None:
    """The children of every node add up to it, in Decimal, and nothing else has children."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row["parent"]] += cost(row)
    own = {row["node"]: cost(row) for row in rows}
    del sums[""]
    assert sums == {node: own[node] for node in sums}
    assert len(sums) > 5
    ends = {row["level"] for row in rows if row["node"] not in sums}
    assert ends <= {"charge", "rest", "attempt"}


def ask(company: Company, sql: str) -> Any:
    with company.connect() as warehouse:
        row = warehouse.execute(sql).fetchone()
    assert row is not None
    return row[0]


def delivered_rows(company: Company) -> set[tuple[str, str]]:
    place = "x_delivery_id || '/' || x_file, x_row::varchar"
    # What a vendor meters without a price is a charge by the rate card.
    sql = f"select {place} from lake.charges union all select {place} from lake.metered_usage"
    with company.connect() as warehouse:
        return set(warehouse.execute(sql).fetchall())


@pytest.mark.parametrize(
    ("entity", "column", "name"),
    [
        ("customer", "customer_id", "cust-001"),
        ("feature", "feature", "ticket-reply"),
        ("workflow", "workflow", "polish_reply"),
        ("team", "team", "assist"),
        ("model", "model", "gpt-5-mini"),
        ("customer", "customer_id", "(none)"),
    ],
)
def test_a_day_adds_up_on_every_level_and_ends_at_delivered_rows(
    company: Company, entity: str, column: str, name: str
) -> None:
    rows = explained(company, entity, name, "--day", DAY)
    assert_additive(rows)
    ledger = ask(
        company,
        "select sum(effective_cost) from marts.allocated_costs "
        f"where {column} = '{name}' and charge_date = '{DAY}' and billing_currency = 'USD'",
    )
    [total] = [row for row in rows if row["level"] == "total" and row["currency"] == "USD"]
    assert cost(total) == ledger
    ends = {(row["delivered"], row["row"]) for row in rows if row["level"] == "charge"}
    assert ends <= delivered_rows(company)
    assert len(ends) > 3


def test_a_component_of_a_day_is_that_of_the_mart(company: Company) -> None:
    rows = explained(company, "customer", "cust-001", "--day", DAY)
    with company.connect() as warehouse:
        expected = dict(
            warehouse.execute(
                "select component, sum(effective_cost) from marts.allocated_costs "
                "where customer_id = 'cust-001' and charge_date = ? group by 1",
                [DAY],
            ).fetchall()
        )
    assert {row["label"]: cost(row) for row in rows if row["level"] == "component"} == expected


def test_a_period_goes_by_the_bill_and_has_a_tree_for_each_currency(company: Company) -> None:
    rows = explained(company, "customer", "cust-001", "--period", "2026-10", "--limit", "2")
    assert_additive(rows)
    with company.connect() as warehouse:
        expected = dict(
            warehouse.execute(
                "select billing_currency, sum(effective_cost) from marts.allocated_costs "
                "where customer_id = 'cust-001' and billing_period = '2026-10' group by 1"
            ).fetchall()
        )
    assert {row["currency"]: cost(row) for row in rows if row["level"] == "total"} == expected


def test_without_a_limit_nothing_is_left_out_and_the_sums_stay(company: Company) -> None:
    cut = explained(company, "customer", "cust-001", "--day", DAY, "--limit", "1")
    whole = explained(company, "customer", "cust-001", "--day", DAY, "--all")
    assert_additive(cut)
    assert_additive(whole)
    assert [row for row in cut if row["level"] == "rest"]
    assert not [row for row in whole if row["level"] == "rest"]
    assert cost(cut[0]) == cost(whole[0])
    groups = ask(
        company,
        "select count(distinct (charge_group_id, component, rule_id)) from marts.allocated_costs "
        f"where customer_id = 'cust-001' and charge_date = '{DAY}'",
    )
    assert len([row for row in whole if row["level"] == "group"]) == groups


def test_weights_say_what_part_of_its_group_is_ones_own(company: Company) -> None:
    rows = explained(company, "customer", "cust-001", "--day", DAY, "--all")
    tokens = [row for row in rows if row["level"] == "group" and row["method"] == "tokens"]
    charged = {row["parent"]: row for row in rows if row["level"] == "charge"}
    assert len(tokens) > 5
    for row in tokens:
        billed = re.search(r"charged ([\d.]+)", charged[row["node"]]["label"])
        assert billed is not None
        part = Decimal(billed[1]) * Decimal(row["weight"]) / Decimal(row["total_weight"])
        # A nanodollar is lost to rounding down for each attempt, and the heaviest has what is left.
        assert abs(part - cost(row)) < Decimal("1e-7")


# --- an inference ---------------------------------------------------------------------------------


def test_an_inference_on_a_gpu_is_its_busy_time_and_its_part_of_what_is_shared(
    company: Company,
) -> None:
    name = ask(
        company,
        "select inference_id from marts.attempt_costs where capacity_cost > 0 "
        f"and charge_date = '{DAY}' group by 1 having count(*) = 1 order by 1 limit 1",
    )
    rows = explained(company, "inference", name)
    assert_additive(rows)
    [attempt] = [row for row in rows if row["level"] == "attempt"]
    direct, loaded = (
        ask(company, f"select sum({column}) from marts.{mart} where attempt_id = '{attempt_id}'")
        for attempt_id in [attempt["label"].split()[1].rstrip(",")]
        for mart, column in (
            ("attempt_costs", "direct_cost"),
            (
                "attempt_loaded_costs",
                "direct_cost + idle_cost + scaling_cost + shared_cost + overhead_cost",
            ),
        )
    )
    assert cost(attempt) == direct
    assert cost(rows[0]) == loaded
    groups = [row for row in rows if row["parent"] == attempt["node"]]
    assert {row["method"] for row in groups} == {"busy-time"}
    assert all(row["weight_unit"] == "Nanoseconds" for row in groups)
    assert [row["label"] for row in rows if row["level"] == "derived"] == [
        "derived: its part of what was shared with its entities on the day"
    ]


def test_an_inference_of_an_api_is_its_token_buckets(company: Company) -> None:
    name = ask(
        company,
        "select inference_id from marts.attempt_costs where cache_read_cost > 0 "
        f"and output_cost > 0 and charge_date = '{DAY}' order by 1 limit 1",
    )
    rows = explained(company, "inference", name)
    assert_additive(rows)
    buckets = [row for row in rows if row["method"] == "tokens"]
    named = {row["label"].split(",")[0] for row in buckets}
    assert {"uncached input", "cache read", "output"} <= named
    assert all(Decimal(row["weight"]) <= Decimal(row["total_weight"]) for row in buckets)


def test_a_rejected_attempt_has_no_cost_and_a_reason_beside_the_one_that_has(
    company: Company,
) -> None:
    name = ask(
        company,
        "select inference_id from marts.attempt_costs group by 1 having "
        "bool_or(status = 'rejected') and bool_or(direct_cost > 0) order by 1 limit 1",
    )
    rows = explained(company, "inference", name)
    assert_additive(rows)
    unknown = [row for row in rows if row["level"] == "attempt" and not row["effective_cost"]]
    assert len(unknown) == 1
    assert "no cost, rejected before any work" in unknown[0]["label"]
    assert len([row for row in rows if row["level"] == "total"]) == 1


# --- how it is printed ----------------------------------------------------------------------------


def test_a_customer_alone_is_enough_and_a_tree_is_printed(company: Company) -> None:
    answer = answers(company, "cust-001", "--day", DAY)
    assert answer.returncode == 0
    lines = answer.stdout.splitlines()
    assert re.fullmatch(r"\d+\.\d+ USD  customer cust-001, 2026-10-05 *", lines[0])
    assert re.search(r"├── \d+\.\d+ USD  direct", answer.stdout)
    assert re.search(r"USD  tokens\b", answer.stdout)
    assert re.search(r"\d+ of \d+ Tokens \(\d+\.\d\d%\)", answer.stdout)
    assert re.search(r"· openai/\S+/costs-0001\.json, row \d+", answer.stdout)
    assert "larkspur-cur-00001.snappy.parquet" in answer.stdout


def test_json_has_the_same_numbers_as_csv(company: Company) -> None:
    arguments = ("feature", "ticket-reply", "--day", DAY)
    rows = explained(company, *arguments)
    printed = json.loads(answers(company, *arguments, "--format", "json").stdout)
    assert [row["effective_cost"] for row in printed] == [row["effective_cost"] for row in rows]
    assert [row["node"] for row in printed] == [int(row["node"]) for row in rows]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("cust-001", "--day", "friday"), "--day friday: is not a day like 2026-10-05"),
        (("cust-001",), "explain customer cust-001: name a --day or a --period, one of them"),
        (("nobody", "x", "--day", DAY), "explain nobody: unknown; allowed: inference, customer,"),
        (("feature", "--day", DAY), "explain feature: name which one, like `unitledger explain fe"),
        (("cust-0x1", "--day", DAY), "has no cost on 2026-10-05; did you mean cust-0"),
        (("cust-001", "--day", "2020-01-01"), "nothing has a cost on 2020-01-01; try another day"),
        (("inference", "no-such-id"), "explain inference no-such-id: no attempt has this id; ids"),
        (("cust-001", "--day", DAY, "--format", "xml"), "--format xml: unknown; allowed: tree, ta"),
        (("inference", "x", "--period", "2026-10"), "--period: an inference has a --day at most"),
    ],
)
def test_what_cannot_be_explained_is_one_sentence(
    company: Company, arguments: tuple[str, ...], expected: str
) -> None:
    answer = answers(company, *arguments)
    assert answer.returncode == 2
    assert expected in answer.stderr
    assert answer.stderr.count("\n") == 1


# --- parts ----------------------------------------------------------------------------------------


def test_parts_of_an_amount_sum_to_it_to_the_last_digit() -> None:
    amount, weights = Decimal("1.000000000001"), [Decimal(1), Decimal(1), Decimal(1)]
    parts = apportion(amount, weights, Decimal(3))
    assert sum(parts) == amount
    assert max(parts) - min(parts) <= Decimal("2e-12")
    refund = apportion(-amount, weights, Decimal(3))
    assert sum(refund) == -amount
    assert apportion(amount, weights, Decimal(0)) == [0, 0, 0]


def test_what_is_not_shown_is_one_row_that_completes_the_sum() -> None:
    node = Node("group", "g", Decimal("10.00"), "USD")
    shown = [Node("charge", "c", Decimal("7.25"), "USD")]
    rest = with_children(node, shown, 3, "charges").children[-1]
    assert (rest.label, rest.effective_cost) == ("3 more (charges)", Decimal("2.75"))
