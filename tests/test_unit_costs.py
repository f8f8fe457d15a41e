"""What one of each unit costs, against counts and sums of the attempts and the ledger alone."""

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from company import Company

ENTITIES = ("customer_id", "feature", "workflow", "team", "model", "environment")
COMPONENTS = ("direct", "idle", "scaling", "shared", "overhead")
LAST_DIGIT = Decimal("0.000000000001")
OCTOBER = "period_kind = 'month' and period_start = date '2026-10-01'"


def rows(company: Company, query: str) -> list[dict[str, Any]]:
    with company.connect() as connection:
        found = connection.execute(query)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.mark.parametrize("kind", ["day", "week", "month"])
def test_each_is_counted_once_a_period_for_every_entity(company: Company, kind: str) -> None:
    for entity in ENTITIES:
        counted = rows(
            company,
            f"""
            select
                date_trunc('{kind}', charge_date)::date as start, {entity} as value,
                count(distinct inference_id) filter (is_ended) as inferences,
                count(distinct inference_id) filter (is_ended and status = 'ok') as successes,
                count(distinct conversation_id) filter (is_ended) as conversations,
                count(distinct workflow_run_id) filter (is_ended) as runs,
                count(distinct feature) filter (feature <> '(none)') as features
            from marts.attempt_costs
            where environment not in ('development', 'staging')
            group by all
            having inferences > 0
            order by all
            """,
        )
        told = rows(
            company,
            f"""
            select
                period_start as start, value,
                sum(units) filter (unit = 'inference')::bigint as inferences,
                sum(units) filter (unit = 'successful inference')::bigint as successes,
                sum(units) filter (unit = 'conversation')::bigint as conversations,
                sum(units) filter (unit = 'workflow run')::bigint as runs,
                sum(units) filter (unit = 'feature')::bigint as features
            from marts.unit_costs
            where period_kind = '{kind}' and entity = '{entity}'
            group by all
            having inferences > 0
            order by all
            """,
        )
        assert counted
        assert told == counted, entity


def test_the_components_of_every_unit_cost_add_up_to_it(company: Company) -> None:
    costs = rows(company, "select * from marts.unit_costs where loaded_cost_per_unit is not null")

    assert len(costs) > 10_000
    for row in costs:
        of_all = [row[f"{name}_cost"] or 0 for name in COMPONENTS]
        of_one = [row[f"{name}_cost_per_unit"] or 0 for name in COMPONENTS]
        assert sum(of_all) == row["loaded_cost"]
        assert sum(of_one) == row["loaded_cost_per_unit"]
        assert row["reason"] is None


def test_a_unit_cost_is_its_cost_by_its_units_and_null_without_either(company: Company) -> None:
    costs = rows(company, f"select * from marts.unit_costs where {OCTOBER}")
    sizes = {"1M tokens": 1_000_000, "1,000 active users": 1_000}

    for row in costs:
        cost, units = row["direct_cost"], row["units"]
        if not units or row["loaded_cost"] is None:
            assert row["direct_cost_per_unit"] is None
            assert row["loaded_cost_per_unit"] is None
            assert row["reason"]
            continue
        exact = cost * sizes.get(row["unit"], 1) / units
        assert row["direct_cost_per_unit"] == exact.quantize(LAST_DIGIT, ROUND_HALF_UP)


def test_what_unit_costs_leave_out_stands_beside_them(company: Company) -> None:
    ledger = rows(
        company,
        """
        select
            billing_currency,
            sum(effective_cost) as effective_cost,
            coalesce(sum(effective_cost) filter (component = 'unmatched'), 0) as unmatched_cost
        from marts.allocated_costs
        where strftime(charge_date, '%Y-%m') = '2026-10'
        group by all
        order by all
        """,
    )
    told = rows(
        company,
        f"""
        select billing_currency, effective_cost, unmatched_cost, left_out_cost, loaded_cost
        from marts.unit_costs
        where {OCTOBER} and entity = 'all' and unit = 'inference'
        order by all
        """,
    )

    assert [(row["effective_cost"], row["unmatched_cost"]) for row in told] == [
        (row["effective_cost"], row["unmatched_cost"]) for row in ledger
    ]
    for row in told:
        loaded = row["loaded_cost"] or 0
        assert row["effective_cost"] == loaded + row["unmatched_cost"] + row["left_out_cost"]


def test_days_agree_with_the_costs_of_customers_features_and_models(company: Company) -> None:
    for entity, mart in {"customer_id": "customer", "feature": "feature", "model": "model"}.items():
        pairs = rows(
            company,
            f"""
            select
                units.direct_cost_per_unit as direct, units.loaded_cost_per_unit as loaded,
                units.loaded_cost_per_unit_before_tax as before_tax, days.*
            from marts.{mart}_costs_daily as days
            inner join marts.unit_costs as units
                on
                    days.charge_date = units.period_start and days.{entity} = units.value
                    and days.billing_currency = units.billing_currency
            where period_kind = 'day' and entity = '{entity}' and unit = 'inference'
            """,
        )
        assert pairs
        for row in pairs:
            assert row["direct"] == row["direct_cost_per_inference"]
            assert row["loaded"] == row["loaded_cost_per_inference"]
            assert row["before_tax"] == row["loaded_cost_per_inference_before_tax"]


@pytest.mark.parametrize("kind", ["hour", "day", "week", "month"])
def test_percentiles_are_off_by_less_than_one_per_cent(company: Company, kind: str) -> None:
    exact = {
        (row["start"], row["feature"]): sorted(row["waited"])
        for row in rows(
            company,
            f"""
            select
                date_trunc('{kind}', max(ended)::timestamp) as start, feature,
                list(waited) as waited
            from (
                select
                    any_value(feature) as feature, max(ended_at) as ended,
                    epoch_us(max(ended_at) filter (status = 'ok')) - epoch_us(min(started_at))
                        as waited
                from marts.attempt_costs
                where is_ended and environment not in ('development', 'staging')
                group by inference_id
            )
            where waited is not null
            group by date_trunc('{kind}', ended::timestamp), feature
            """,
        )
    }
    told = rows(
        company,
        f"""
        select * from marts.latencies
        where period_kind = '{kind}' and entity = 'feature' and duration_p50_ms is not null
        """,
    )

    assert {(row["period_start"], row["value"]) for row in told} == set(exact)
    for row in told:
        waited = exact[(row["period_start"], row["value"])]
        for percent in (50, 95, 99):
            rank = waited[math.ceil(len(waited) * percent / 100) - 1] / 1000
            assert float(row[f"duration_p{percent}_ms"]) == pytest.approx(rank, rel=0.01)


def test_how_many_a_second_and_how_many_failed_stand_beside_the_cost(company: Company) -> None:
    told = rows(company, f"select * from marts.latencies where {OCTOBER} and entity = 'feature'")
    counted = {
        row["feature"]: row
        for row in rows(
            company,
            """
            select
                feature, count(distinct inference_id) as inferences,
                count(distinct inference_id) filter (status = 'ok') as successes,
                count(*) as attempts, count(*) filter (status <> 'ok') as failed
            from marts.attempt_costs
            where is_ended and environment not in ('development', 'staging')
                and charge_date < date '2026-11-01'
            group by feature
            """,
        )
    }

    assert {row["value"] for row in told} == set(counted)
    for row in told:
        own = counted[row["value"]]
        assert float(row["inferences_per_second"]) == pytest.approx(
            own["inferences"] / (31 * 86_400), abs=1e-6
        )
        failed = 1 - own["successes"] / own["inferences"]
        assert float(row["error_rate"]) == pytest.approx(failed, abs=1e-6)
        assert float(row["attempt_error_rate"]) == pytest.approx(
            own["failed"] / own["attempts"], abs=1e-6
        )


def test_where_an_inference_ran_has_all_of_the_direct_cost_of_production(company: Company) -> None:
    told = rows(
        company,
        """
        select deployment, sum(direct_cost) as direct_cost, sum(inferences)::bigint as inferences
        from marts.deployment_costs where period_kind = 'month' group by all order by all
        """,
    )
    counted = rows(
        company,
        """
        select
            if(pod_uid is null, 'api', 'container') as deployment, sum(direct_cost) as direct_cost,
            count(distinct inference_id) filter (is_ended) as inferences
        from marts.attempt_costs where environment not in ('development', 'staging')
        group by all order by all
        """,
    )

    assert told == counted


def test_runs_have_all_of_the_direct_cost_of_their_attempts(company: Company) -> None:
    sums = rows(
        company,
        """
        select run_kind, sum(direct_cost) as direct_cost, sum(attempts)::bigint as attempts
        from marts.run_costs group by all order by all
        """,
    )
    whole = rows(
        company,
        "select sum(direct_cost) as direct_cost, count(*) as attempts from marts.attempt_costs",
    )[0]

    assert [row["run_kind"] for row in sums] == ["conversation", "workflow run"]
    assert all(row["direct_cost"] == whole["direct_cost"] for row in sums)
    assert all(row["attempts"] == whole["attempts"] for row in sums)
