"""Utilization of the sample company's GPUs, against its truth and by own arithmetic."""

import csv
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

import pytest
from company import ROOT, Company

COLUMNS = {
    "busy": "active_seconds",
    "warm_idle": "warm_idle_seconds",
    "unrequested": "unrequested_seconds",
    "unknown": "unknown_seconds",
    "starting": "changing_seconds",
    "provisioning": "changing_seconds",
    "terminating": "changing_seconds",
}


def rows(company: Company, query: str) -> list[dict[str, Any]]:
    with company.connect() as connection:
        found = connection.execute(query)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_hours_of_machines_are_as_the_truth_has_them_to_the_millisecond(company: Company) -> None:
    truth: dict[tuple[str, datetime, str], Decimal] = defaultdict(Decimal)
    with (ROOT / "data_samples" / "truth" / "states.csv").open() as file:
        for row in csv.DictReader(file):
            hour = datetime.fromisoformat(row["hour"]).replace(tzinfo=None)
            truth[row["resource_id"], hour, COLUMNS[row["state"]]] += Decimal(row["milliseconds"])
    told = rows(company, "select * from marts.gpu_resources_hourly")
    seen = {(row["resource_id"], row["hour"]): row for row in told}
    assert len(truth) > 1000
    for (resource, hour, column), milliseconds in truth.items():
        assert seen[resource, hour][column] == pytest.approx(
            milliseconds / 1000, abs=Decimal("0.0015")
        )


def test_seconds_and_costs_of_a_machine_hour_are_those_that_were_paid(company: Company) -> None:
    for row in rows(company, "select * from marts.gpu_resources_hourly"):
        seconds = sum(row[column] for column in sorted(set(COLUMNS.values())))
        assert abs(seconds - row["paid_seconds"]) <= Decimal("0.003")
        costs = [row[f"{part}_cost"] for part in ("active", "idle", "changing", "unknown")]
        assert sum(costs) == row["effective_cost"]


def test_sustained_is_the_median_of_the_paid_hours_of_a_day(company: Company) -> None:
    hours = rows(company, "select * from marts.gpu_utilization_hourly order by hour")
    for pool in {row["pool"] for row in hours}:
        shares = [(row["hour"], row["active_share"]) for row in hours if row["pool"] == pool]
        for row in (row for row in hours if row["pool"] == pool):
            first = row["hour"] - timedelta(hours=23)
            window = [
                share
                for hour, share in shares
                if first <= hour <= row["hour"] and share is not None
            ]
            if window:
                expected = pytest.approx(median(window), abs=Decimal("0.000001"))
                assert row["sustained_active_share"] == expected
            else:
                assert row["sustained_active_share"] is None


def test_a_day_of_a_pool_is_its_hours_and_costs_less_a_request_when_busier(
    company: Company,
) -> None:
    hours: dict[tuple[object, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows(company, "select * from marts.gpu_utilization_hourly"):
        hours[row["charge_date"], row["pool"]].append(row)
    for day in rows(company, "select * from marts.gpu_utilization_daily"):
        of_day = hours.pop((day["charge_date"], day["pool"]))
        assert day["effective_cost"] == sum(row["effective_cost"] for row in of_day)
        assert day["active_seconds"] == sum(row["active_seconds"] for row in of_day)
        if day["requests"]:
            cost = day["cost_per_request"] * day["active_share"] / Decimal("0.5")
            assert abs(day["cost_per_request_at_50_percent_estimate"] - cost) < Decimal("1e-8")
        if day["target_share"] is None:
            assert day["gap_cost_estimate"] is None
            assert day["gap_reason"]
    assert not hours


def test_requests_are_in_the_bucket_of_how_many_ran_when_they_began(company: Company) -> None:
    attempts = rows(
        company,
        """
        select
            attempt_id, pod_uid, model, charge_date, ended_at, is_ended, direct_cost,
            -- It runs from when it has left the queue.
            started_at + to_milliseconds(coalesce(queued_ms, 0)) as started_at
        from marts.attempt_costs
        where pod_uid is not null and status in ('ok', 'error')
        """,
    )
    running: dict[tuple[str, object], list[dict[str, Any]]] = defaultdict(list)
    for row in attempts:
        running[row["pod_uid"], row["charge_date"]].append(row)
    counted: dict[tuple[object, str, int], list[Any]] = defaultdict(lambda: [0, Decimal(0)])
    for beside in running.values():
        for one in (row for row in beside if row["is_ended"]):
            key = (one["started_at"], one["attempt_id"])
            count = sum(
                (other["started_at"], other["attempt_id"]) <= key and other["ended_at"] > key[0]
                for other in beside
            )
            bucket = counted[one["charge_date"], one["model"], 1 << (count.bit_length() - 1)]
            bucket[0] += 1
            bucket[1] += one["direct_cost"]
    told = {
        (row["charge_date"], row["model"], row["running_from"]): [
            row["requests"],
            row["direct_cost"],
        ]
        for row in rows(company, "select * from marts.batch_costs_daily")
    }
    assert told == dict(counted)
    assert {key[2] for key in told} >= {1, 2, 4}


def test_throughput_adds_up_to_the_tokens_of_the_requests_on_machines(company: Company) -> None:
    expected = rows(
        company,
        """
        select charge_date, sum(uncached_input_tokens) as input, sum(output_tokens) as output
        from marts.attempt_costs
        where pod_uid is not null and is_ended and status in ('ok', 'error')
        group by charge_date order by charge_date
        """,
    )
    told = rows(
        company,
        """
        select charge_date, sum(input_tokens) as input, sum(output_tokens) as output
        from marts.fleet_throughput_hourly
        group by charge_date order by charge_date
        """,
    )
    assert told == expected


def test_pooling_saves_nothing_where_a_pool_is_in_one_region(company: Company) -> None:
    days = rows(company, "select * from marts.pooled_peaks_daily")
    assert {row["regions"] for row in days} == {1, 2}
    for row in days:
        assert row["pooled_peak_gpus"] <= row["sum_of_peaks_gpus"]
        if row["regions"] == 1:
            assert row["avoidable_cost_estimate"] == 0
            assert row["avoidable_reason"] == "the pool is in one region"
