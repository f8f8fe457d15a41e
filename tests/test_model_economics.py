"""What models cost the sample company, by own arithmetic on attempts; its configuration."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
from company import Company
from pydantic import ValidationError

from models.economics import Economics

USD = Decimal("0.000000001")


def rows(company: Company, query: str) -> list[dict[str, Any]]:
    with company.connect() as connection:
        found = connection.execute(query)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_the_mix_of_a_feature_holds_each_served_attempt_once(company: Company) -> None:
    requests: dict[tuple[object, ...], int] = defaultdict(int)
    costs: dict[tuple[object, ...], Decimal] = defaultdict(Decimal)
    attempts = rows(
        company,
        """
        select charge_date, feature, model, environment, is_ended, status, direct_cost
        from marts.attempt_costs
        """,
    )
    for row in attempts:
        key = (row["charge_date"], row["feature"], row["model"], row["environment"])
        requests[key] += row["is_ended"] and row["status"] in ("ok", "error")
        costs[key] += row["direct_cost"] or 0
    told: dict[tuple[object, ...], list[Any]] = defaultdict(lambda: [0, Decimal(0)])
    shares: dict[tuple[object, str], Decimal] = defaultdict(Decimal)
    for row in rows(company, "select * from marts.model_mix_daily"):
        key = (row["charge_date"], row["feature"], row["model"], row["environment"])
        told[key][0] += row["requests"]
        told[key][1] += row["direct_cost"] or 0
        shares[row["charge_date"], row["feature"]] += row["request_share"] or 0
    assert dict(told) == {key: [requests[key], costs[key]] for key in requests}
    assert all(abs(share - 1) < Decimal("0.0001") for share in shares.values())


def test_each_evaluated_inference_is_counted_with_the_attempt_that_answered(
    company: Company,
) -> None:
    (counted,) = rows(
        company,
        """
        select count(distinct inference_id) as evaluated
        from staging.stg_lake__evaluations
        where inference_id in (
            select inference_id from marts.attempt_costs where is_ended and status = 'ok'
        )
        """,
    )
    (told,) = rows(
        company, "select sum(evaluated_requests) as evaluated from marts.model_mix_daily"
    )
    assert told["evaluated"] == counted["evaluated"]
    assert counted["evaluated"] > 200


def test_a_prompt_cache_saves_its_tokens_at_the_billed_rate_less_what_they_cost(
    company: Company,
) -> None:
    sums: dict[tuple[object, ...], list[Any]] = defaultdict(lambda: [0, Decimal(0), 0, Decimal(0)])
    attempts = rows(
        company,
        """
        select charge_date, feature, model, uncached_input_tokens, uncached_input_cost,
            cache_read_tokens, cache_read_cost
        from marts.attempt_costs
        where billing_currency is not null
        """,
    )
    for row in attempts:
        of = sums[row["charge_date"], row["feature"], row["model"]]
        for place, kind in ((0, "uncached_input"), (2, "cache_read")):
            if row[f"{kind}_cost"] is not None:
                of[place] += row[f"{kind}_tokens"]
                of[place + 1] += row[f"{kind}_cost"]
    told = rows(company, "select * from marts.cache_economics_daily where cache = 'prompt'")
    assert len(told) > 100
    for row in told:
        tokens, cost, read, read_cost = sums[row["charge_date"], row["feature"], row["model"]]
        assert row["hits"] >= read
        assert row["caching_cost_estimate"] == 0
        if tokens:
            assert row["rate_from"] == "billed"
            assert abs(row["saved_cost_estimate"] - (cost / tokens * read - read_cost)) <= USD


def test_a_version_costs_its_requests_and_the_machines_that_hold_nothing_else(
    company: Company,
) -> None:
    direct = rows(
        company,
        """
        select strftime(charge_date, '%Y-%m') as month, sum(direct_cost) as cost
        from marts.attempt_costs
        where coalesce(response_model, request_model) = 'llama-3.1-8b-instruct'
        group by month order by month
        """,
    )
    held = rows(
        company,
        """
        select strftime(charge_date, '%Y-%m') as month,
            sum(idle_cost + changing_cost + unknown_cost) as cost
        from marts.gpu_resources_hourly
        where model = 'llama-3.1-8b-instruct'
        group by month order by month
        """,
    )
    told = rows(
        company,
        """
        select month, version_cost
        from marts.model_versions_monthly
        where version = 'llama-3.1-8b-instruct'
        order by month
        """,
    )
    expected = [one["cost"] + two["cost"] for one, two in zip(direct, held, strict=True)]
    assert [row["version_cost"] for row in told] == expected


def test_standard_tokens_have_no_discount_and_are_all_of_the_tokens(company: Company) -> None:
    for row in rows(company, "select * from marts.service_tier_costs_monthly"):
        assert row["service_tier"] == "standard"
        assert (row["token_share"], row["realised_discount"]) == (1, 0)


def test_what_was_is_a_scenario_that_moves_and_saves_nothing(company: Company) -> None:
    actual = rows(company, "select * from marts.routing_what_if_monthly where scenario = 'actual'")
    assert actual
    for row in actual:
        assert (row["moved_requests"], row["saved_cost_estimate"]) == (0, 0)
        assert abs(row["what_if_cost_estimate"] - row["direct_cost"]) < Decimal("0.000001")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"utilization_targets": [{"pool": "chat-gpu", "target": "1.2"}]},
            "less than or equal to 1",
        ),
        (
            {"model_tiers": [{"tier": "big", "models": ["a"]}, {"tier": "big", "models": ["b"]}]},
            "model_tiers: big is there twice; list all its models once",
        ),
        (
            {"api_equivalents": [{"model": "a", "provider": "p", "api_model": "x"}] * 2},
            "api_equivalents: a is there twice on the same days; end one by valid_to",
        ),
    ],
)
def test_what_cannot_be_compared_is_an_error_that_names_it(
    given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Economics.model_validate(given)
