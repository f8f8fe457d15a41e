"""OpenRouter's activity: what is billed, what is on another bill, and what is refused."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openrouter_answers import Account, answer, record

from connectors._base import Source
from connectors._sql import session
from connectors.openrouter_activity import CONNECTOR

DOCUMENTED = Path(__file__).parents[2] / "shared" / "samples" / "vendors"


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path)


def test_money_is_the_vendors_text_to_the_last_digit(account: Account) -> None:
    amounts = ["0.015", "1e-07", "0.1234567890123456789", "0", "-0.25", "12"]
    rows = [record(usage=amount, endpoint_id=amount) for amount in amounts]
    account.save({"2026-10-01": answer(*rows)})
    exact = [Decimal(amount) for amount in amounts]
    charges = account.table()
    assert [row["billed_cost"] for row in charges] == [
        amount.quantize(Decimal("1e-12")) for amount in exact
    ]
    (delivered,) = account.lake.index().filter(table="charges")["delivered"].to_list()[0]
    assert Decimal(delivered["amount"]) == sum(exact)


def test_what_the_own_key_spends_is_no_charge_but_its_tokens_count(account: Account) -> None:
    own = record(usage="0.0006", byok_usage_inference="0.012")
    account.save({"2026-10-01": answer(own)})
    (charge,) = account.table()
    assert (charge["billed_cost"], charge["x_usage_type"]) == (Decimal("0.0006"), "byok")
    money = [value for value in charge.values() if isinstance(value, Decimal)]
    assert set(money) == {Decimal("0.0006")}
    counted = {row["token_type"]: row["quantity"] for row in account.table("token_usage")}
    assert counted == {"uncached_input": 40, "cache_read": 10, "output": 125}


def test_who_bills_and_who_serves_are_kept_apart(account: Account) -> None:
    account.save({"2026-10-01": answer(record(workspace_id="ws-1"))})
    (charge,) = account.table()
    assert charge["invoice_issuer_name"] == charge["service_provider_name"] == "OpenRouter"
    assert charge["host_provider_name"] == "OpenAI"
    assert (charge["sub_account_id"], charge["x_model"]) == ("ws-1", "openai/gpt-4.1-2025-04-14")
    assert (charge["x_charge_kind"], charge["sku_price_id"]) == (None, None)
    assert charge["charge_period_end"] - charge["charge_period_start"] == timedelta(days=1)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10**12))
def test_token_types_are_disjoint(prompt: int, cached: int, completion: int) -> None:
    values = {
        "prompt_tokens": prompt, "cached_tokens": cached, "completion_tokens": completion,
        "requests": 3, "date": "2026-10-01", "model_permaslug": "m", "workspace_id": "",
        "x_file": "f", "x_row": 1,
    }  # fmt: skip
    with session() as connection:
        names = ", ".join(f"cast(? as varchar) as {name}" for name in values)
        texts = [str(value) for value in values.values()]
        connection.execute(f"create temp table activity as select {names}", texts)
        query = CONNECTOR.normalize(Source("s", "", CONNECTOR.options()))["token_usage"]
        rows = connection.execute(query).to_arrow_table().to_pylist()
    found = {row["token_type"]: row["quantity"] for row in rows}
    # Where more was read from the cache than was sent, the two were counted apart.
    total = prompt + completion + (cached if cached > prompt else 0)
    assert sum(found.values()) == total
    assert found.get("cache_read", 0) == cached
    assert sum(row["requests"] or 0 for row in rows) == 3


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"2026-10-01": answer(record("2026-09-30"))},
         "activity-2026-10-01-0001.json, row 1: date is 2026-09-30; it belongs to 2026-10 alone"),
        ({"2026-10-01": answer(record()), "2026-10-02": answer(record())},
         "activity-2026-10-01-0001.json and activity-2026-10-02-0001.json have the same row"),
        ({"2026-10-01": '{"error": {"message": "no"}}'}, "it has no list 'data'"),
        ({"2026-10-01": '{"data": [1]}'}, "it has no list 'data'"),
        ({"2026-10-01": answer(record())[:40]}, "is not complete JSON"),
        ({"2026-10-01": ""}, "activity-2026-10-01-0001.json is empty"),
        ({"2026-10-01": answer(record(usage='"free"'))}, "free"),
    ],
)  # fmt: skip
def test_a_broken_answer_is_refused_in_one_sentence(
    account: Account, answers: dict[str, str], said: str
) -> None:
    account.save(answers)
    (sentence,) = account.failures()
    assert said in sentence
    assert "\n" not in sentence


@pytest.mark.skipif(not DOCUMENTED.is_dir(), reason="the documented example is not here")
def test_the_documented_example_is_read(account: Account) -> None:
    text = (DOCUMENTED / "activity.documented.json").read_text()
    account.save({"2026-10-24": text.replace("2025-08-24", "2026-10-24")})
    (charge,) = account.table()
    assert charge["billed_cost"] == Decimal("0.015")
