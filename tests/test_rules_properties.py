"""Whatever is charged, configured and measured, in whatever order: no cost is made or lost."""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from company import Company
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_models import LedgerModels

from models.tables import TOKEN_COLUMNS

DAY = datetime(2026, 10, 1)
# Attempts explain a half of each token line, states three quarters of each hour of a GPU.
TELEMETRY = f"""
    delete from int_capacity_shares;
    insert into int_capacity_shares by name
    select
        charge_date, charge_group_id, resource_id, 'chat' as pool, state, 1 as nanoseconds,
        4 as billed_nanoseconds, (effective_cost * 0.25)::decimal(38, 12) as effective_cost
    from int_charge_groups
    cross join (values ('warm_idle'), ('starting'), ('unrequested')) as states(state)
    where treatment = 'capacity';
    insert into int_attempt_sums by name
    select
        charge_date, 'tokens' as kind, token_line_id, billing_currency, customer_id, 'a' as feature,
        'b' as workflow, '(none)' as team, 'm' as model, 'production' as environment, 1 as attempts,
        {", ".join(f"0 as {name}" for name in TOKEN_COLUMNS if name != "output_tokens")},
        7 as output_tokens, (output_amount * 0.25)::decimal(38, 12) as output_cost
    from int_token_lines
    cross join (values ('a'), ('b')) as customers(customer_id);
"""
Row = dict[str, Any]

amounts = st.decimals(min_value="0.000001", max_value=100_000, places=12, allow_nan=False)
names = st.sampled_from(["a", "b", "c"])


@st.composite
def charges(draw: st.DrawFn) -> Row:
    """A charge of some kind: of a day or longer, in dollars or euros, also refunds and credits."""
    kinds = ["usage", "usage", "tokens", "capacity", "month", "tax", "credit", "refund"]
    kind = draw(st.sampled_from(kinds))
    source = draw(st.sampled_from(["us", "eu", "both"]))
    amount = draw(amounts) * (-1 if kind in ("credit", "refund") else 1)
    start = DAY if kind in ("month", "tax") else DAY + timedelta(days=draw(st.integers(0, 2)))
    length = timedelta(days=4 if kind in ("month", "tax") else 1)
    both = draw(st.sampled_from(["USD", "EUR"]))
    return {
        "source": source,
        "billing_period": "2026-10",
        "billing_currency": {"us": "USD", "eu": "EUR", "both": both}[source],
        "charge_period_start": start,
        "charge_period_end": start + length,
        "charge_date": start.date(),
        "charge_category": {"tax": "Tax", "credit": "Credit"}.get(kind, "Usage"),
        "line_item_type": "Refund" if kind == "refund" else None,
        "charge_kind": kind if kind in ("tokens", "capacity") else None,
        "billed_model": "m" if kind == "tokens" else None,
        "token_type": "output" if kind == "tokens" else None,
        "consumed_quantity": 1000 if kind == "tokens" else None,
        "service_name": draw(st.sampled_from(["network", "search", "office", "crm"])),
        "sub_account_id": draw(names),
        "resource_id": draw(st.sampled_from(["r1", "r2", None])),
        "tags": draw(
            st.sampled_from([None, '{"team": "red"}', '{"team": "blue", "pool": "chat"}'])
        ),
        "billed_cost": amount,
        "effective_cost": amount,
    }


@st.composite
def rules(draw: st.DrawFn) -> Row:
    """A rule of some treatment for some service, source or tag."""
    treatment = draw(st.sampled_from(["direct", "direct", "shared", "overhead", "unmatched"]))
    condition = draw(
        st.sampled_from(
            [
                ("when_service_name", "*"),
                ("when_service_name", "network"),
                ("when_source", "eu"),
                ("when_service_name", "search"),
                ("when_service_name", "crm"),
            ]
        )
    )
    return {
        condition[0]: condition[1],
        "treatment": treatment,
        "set_customer_id": draw(names) if treatment == "direct" else None,
        "set_team": draw(st.sampled_from(["red", None])),
        "driver": draw(st.sampled_from(["attempts", "tokens", "direct_cost", "stream", "parts"]))
        if treatment == "shared"
        else None,
        "users_customer_id": draw(st.sampled_from([None, "a", "[ab]"]))
        if treatment == "shared"
        else None,
        "scope": draw(st.sampled_from([None, "invoice", "sub_account", "service", "company"]))
        if treatment == "overhead"
        else None,
        "valid_from": draw(st.sampled_from([None, DAY.date() + timedelta(days=1)])),
    }


measures = st.fixed_dictionaries(
    {
        "driver": st.just("queries"),
        "measured_from": st.integers(0, 60).map(lambda hour: DAY + timedelta(hours=hour)),
        "customer_id": st.sampled_from(["a", "b", None]),
        "value": st.decimals(min_value=0, max_value=10**9, places=12, allow_nan=False),
    }
).map(lambda row: row | {"measured_to": row["measured_from"] + timedelta(hours=5)})
attempts = st.fixed_dictionaries(
    {
        "charge_date": st.integers(0, 2).map(lambda days: DAY.date() + timedelta(days=days)),
        "customer_id": names,
        "feature": names,
        "attempts": st.integers(0, 5),
        "output_tokens": st.integers(0, 10**12),
    }
).map(lambda row: dict.fromkeys(TOKEN_COLUMNS, 0) | row)
companies = st.fixed_dictionaries(
    {
        "stg_lake__charges": st.lists(charges(), min_size=6, max_size=14),
        "stg_lake__rules": st.lists(rules(), min_size=1, max_size=5),
        "stg_lake__allocation_drivers": st.lists(measures, max_size=5),
        "int_attempt_sums": st.lists(attempts, max_size=6),
    }
)


@pytest.fixture(scope="module")
def models(company: Company) -> LedgerModels:
    return LedgerModels.of(company)


def ledger_of(models: LedgerModels, drawn: Mapping[str, list[Row]], shuffle: int) -> list[Row]:
    """Fill the relations, the rows in some order of arrival, and run the models."""
    order = random.Random(shuffle)
    tables = {name: [dict(row) for row in rows] for name, rows in drawn.items()}
    for number, rule in enumerate(tables["stg_lake__rules"], start=1):
        rule |= {"priority": number, "rule_id": f"r{number}", "rule_version": 1}
        rule["rule_hash"] = f"hash {number}"
    for attempt in tables["int_attempt_sums"]:
        attempt |= dict.fromkeys(("workflow", "team", "model", "environment"), "(none)")
    tables["stg_lake__dimensions"] = [
        {"entity": "team", "position": 1, "name": "tag", "tag": "team"},
        {"entity": "team", "position": 2, "name": "account", "charge_column": "sub_account_id"},
    ]
    tables["stg_lake__drivers"] = [
        {"driver": name, "choice": 1, "measure": name}
        for name in ("attempts", "tokens", "direct_cost")
    ] + [
        {"driver": "stream", "choice": 1, "stream": "queries"},
        {"driver": "stream", "choice": 2, "measure": "attempts"},
        {"driver": "parts", "choice": 1, "stream": "queries", "within": "tokens"},
    ]
    tables["stg_lake__reporting_currencies"] = [{"reporting_currency": "USD"}]
    tables["stg_lake__fx_rates"] = [
        {"rate_date": DAY.date(), "from_currency": "EUR", "to_currency": "USD", "rate": "1.07"}
    ]
    for name, rows in tables.items():
        models.fill(name, order.sample(rows, len(rows)))
    return models.run(TELEMETRY)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(drawn=companies)
def test_no_rule_makes_or_loses_a_cost_and_no_order_of_arrival_shows(
    models: LedgerModels, drawn: dict[str, list[Row]]
) -> None:
    ledger = ledger_of(models, drawn, shuffle=1)

    for key in {(row["source"], row["billing_currency"]) for row in drawn["stg_lake__charges"]}:
        charged = [
            row["effective_cost"]
            for row in drawn["stg_lake__charges"]
            if (row["source"], row["billing_currency"]) == key
        ]
        allocated = [
            row["effective_cost"]
            for row in ledger
            if (row["source"], row["billing_currency"]) == key
        ]
        assert sum(allocated, Decimal(0)) == sum(charged, Decimal(0))
    assert not models.select(
        "select 1 from int_costs_attributed as rows join int_charge_groups as groups "
        "using (charge_group_id) where groups.effective_cost * rows.effective_cost < 0"
    )
    assert ledger_of(models, drawn, shuffle=2) == ledger


def test_what_was_shared_weighs_as_much_as_it_says(models: LedgerModels) -> None:
    # 90.00 of search by queries: a 1.5 and b 0.75 are 2 : 1, whole numbers of 10^-12.
    charge = {
        "source": "us", "billing_period": "2026-10", "billing_currency": "USD",
        "charge_period_start": DAY, "charge_period_end": DAY + timedelta(hours=1),
        "charge_date": DAY.date(), "charge_category": "Usage", "service_name": "search",
        "billed_cost": Decimal(90), "effective_cost": Decimal(90),
    }  # fmt: skip
    measure = {"driver": "queries", "measured_from": DAY, "measured_to": DAY + timedelta(hours=1)}
    ledger = ledger_of(
        models,
        {
            "stg_lake__charges": [charge],
            "stg_lake__rules": [
                {"when_service_name": "search", "treatment": "shared", "driver": "stream"}
            ],
            "stg_lake__allocation_drivers": [
                measure | {"customer_id": "a", "value": Decimal("1.5")},
                measure | {"customer_id": "b", "value": Decimal("0.75")},
            ],
            "int_attempt_sums": [],
        },
        shuffle=0,
    )

    assert [
        (row["customer_id"], row["effective_cost"], row["weight"], row["weight_unit"])
        for row in ledger
    ] == [
        ("a", Decimal(60), 1_500_000_000_000, "10^-12 stream"),
        ("b", Decimal(30), 750_000_000_000, "10^-12 stream"),
    ]
