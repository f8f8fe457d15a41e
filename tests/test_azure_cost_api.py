"""Azure's API, played on loopback: azure-mgmt-costmanagement itself asks, waits and follows."""

import logging
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from azure_exports import RESERVATION, charges_of, csv_bytes, line
from azure_reader import Reader
from azure_server import SCOPE, SIGNATURE, CostManagement, refusal

from connectors import _http
from connectors._base import Window
from connectors.azure_cost_api import CONNECTOR
from connectors.azure_cost_api._client import LONGEST_WAIT, WAIT_HEADERS
from models.errors import ConfigError, FetchError

pytest_plugins = ["azure_fixtures"]

QUOTA = "x-ms-ratelimit-microsoft.costmanagement-{}-retry-after"


def test_a_month_is_both_reports_merged(api: CostManagement, reader: Reader) -> None:
    fields = {"PricingModel": "Reservation", "benefitId": RESERVATION}
    api.reports["ActualCost"] = [
        csv_bytes([line("6"), line("0", **fields)]),
        csv_bytes([line("100", ChargeType="Purchase", Frequency="Recurring", **fields)]),
    ]
    api.reports["AmortizedCost"] = [csv_bytes([line("6"), line("3.5", **fields)])]
    assert reader.read() == {}
    assert (reader.total(), reader.total("effective_cost")) == (Decimal(106), Decimal("9.5"))
    files = [file.path for file in reader.lake.manifests("azure")["2026-10"][-1].files]
    assert files == [
        "2026-10/actual/0001.csv",
        "2026-10/actual/0002.csv",
        "2026-10/amortized/0001.csv",
    ]
    asked = [post.json for post in api.posts("generateCostDetailsReport")]
    days = {"start": "2026-10-01", "end": "2026-10-31"}
    assert asked == [
        {"metric": "ActualCost", "timePeriod": days},
        {"metric": "AmortizedCost", "timePeriod": days},
    ]


def test_the_open_month_is_asked_for_until_today(api: CostManagement, tmp_path: Path) -> None:
    reader = Reader(api, tmp_path)
    api.reports = {"ActualCost": "nothing", "AmortizedCost": "nothing"}
    reader.lake.land(reader.source, CONNECTOR, Window("2026-11", "2026-11"))
    (first, _) = api.posts("generateCostDetailsReport")
    assert first.json["timePeriod"] == {"start": "2026-11-01", "end": "2026-11-03"}


def test_without_a_window_the_open_and_the_previous_month_are_read_again(reader: Reader) -> None:
    deliveries = list(CONNECTOR.discover(reader.source, Window(), {}))
    assert [delivery.slot for delivery in deliveries] == ["2026-10", "2026-11"]


def test_a_report_is_polled_until_it_is_ready(
    api: CostManagement, reader: Reader, slept: list[float]
) -> None:
    api.polls = 3
    assert reader.read() == {}
    assert slept == [7] * 4  # between three polls of each
    assert reader.total() == Decimal(6)


def test_the_link_of_a_report_is_in_no_manifest_and_no_log(
    api: CostManagement, reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert reader.read() == {}
    assert SIGNATURE not in caplog.text
    assert "generateCostDetailsReport" in caplog.text
    written = [path for path in reader.lake.root.rglob("*") if path.is_file()]
    assert written
    assert all(SIGNATURE.encode() not in path.read_bytes() for path in written)


@pytest.mark.parametrize("word", ["generateCostDetailsReport", "/query", "OperationResults"])
def test_what_is_throttled_waits_as_long_as_the_longest_of_all_headers(
    api: CostManagement, tmp_path: Path, slept: list[float], word: str
) -> None:
    reader = Reader(api, tmp_path, interface="query" if word == "/query" else "report")
    api.pages = [api.page(0, '[20261005, "m", 6, "", 1, "USD"]', last=True)]
    waits = dict(zip(WAIT_HEADERS, ("3", "41", "11", "2"), strict=True))
    api.troubles = {word: [refusal(429, "429", "Too many requests") for _ in range(2)]}
    for trouble, headers in zip(api.troubles[word], (waits, {"Retry-After": "5"}), strict=True):
        trouble[1].update(headers)
    assert reader.read() == {}
    assert [seconds for seconds in slept if seconds != 7] == [41, 5]
    assert reader.total() == Decimal(6)


@pytest.mark.parametrize("quota", ["qpu", "entity", "tenant", "client"])
def test_each_of_the_four_quotas_is_waited_for(
    api: CostManagement, reader: Reader, slept: list[float], quota: str
) -> None:
    throttled = refusal(429, "429", "Too many requests")
    throttled[1].update({QUOTA.format(quota): "13", "Retry-After": "1"})
    api.troubles = {"generateCostDetailsReport": [throttled]}
    assert reader.read() == {}
    assert [seconds for seconds in slept if seconds != 7] == [13]


def test_who_is_asked_to_wait_too_long_comes_again_another_time(
    api: CostManagement, reader: Reader, slept: list[float]
) -> None:
    throttled = refusal(429, "429", "Too many requests")
    throttled[1][WAIT_HEADERS[0]] = str(LONGEST_WAIT + 1)
    api.troubles = {"generateCostDetailsReport": [throttled]}
    with pytest.raises(FetchError, match="still answers 429; try again later"):
        reader.read()
    assert slept == []


def test_a_server_that_fails_is_asked_again(api: CostManagement, reader: Reader) -> None:
    api.troubles = {
        "generateCostDetailsReport": [refusal(503, "Busy", "busy")],
        "OperationResults": [refusal(500, "Oops", "oops")],
        "/reports/": [(503, {}, b"")],
    }
    assert reader.read() == {}
    assert reader.total() == Decimal(6)


def test_every_caller_says_who_it_is(api: CostManagement, reader: Reader) -> None:
    assert reader.read() == {}
    assert {post.headers["clienttype"] for post in api.posts("")} == {"unitledger"}


@pytest.mark.parametrize("nothing", ["nothing", "NoDataFound"])
def test_a_month_without_costs_is_an_empty_month(
    api: CostManagement, reader: Reader, nothing: str
) -> None:
    api.reports = {"ActualCost": nothing, "AmortizedCost": nothing}
    assert reader.read() == {}
    assert charges_of(reader.lake) == []


def test_a_month_that_had_costs_does_not_become_empty(
    api: CostManagement, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reader.read() == {}
    monkeypatch.setattr(_http, "now", lambda: datetime(2026, 11, 4, 6, tzinfo=UTC))
    api.reports = {"ActualCost": "NoDataFound", "AmortizedCost": "NoDataFound"}
    ((_, sentence),) = reader.read().items()
    assert "has no costs any more" in sentence
    assert reader.total() == Decimal(6)


def test_a_month_that_is_restated_is_replaced(
    api: CostManagement, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reader.read() == {}
    monkeypatch.setattr(_http, "now", lambda: datetime(2026, 11, 4, 6, tzinfo=UTC))
    assert reader.read() == {}
    assert len(reader.lake.manifests("azure")["2026-10"]) == 1
    for metric in api.reports:
        api.reports[metric] = [csv_bytes([line("6.25"), line("-1")])]
    assert reader.read() == {}
    assert len(reader.lake.manifests("azure")["2026-10"]) == 2
    assert reader.total() == Decimal("5.25")


def test_a_report_that_failed_can_be_ordered_again(api: CostManagement, reader: Reader) -> None:
    api.reports["AmortizedCost"] = "Failed"
    with pytest.raises(FetchError, match="ended as Failed: no luck; try again later"):
        reader.read()


def test_a_part_that_is_shorter_than_the_report_says_is_not_taken(
    api: CostManagement, reader: Reader
) -> None:
    api.stated_bytes = 5
    with pytest.raises(FetchError, match="bytes; the report says 5") as raised:
        reader.read()
    assert SIGNATURE not in str(raised.value)


def test_a_part_that_may_not_be_read_is_named_without_its_signature(
    api: CostManagement, reader: Reader
) -> None:
    api.troubles = {"/reports/": [(403, {}, b"")]}
    with pytest.raises(ConfigError, match=r"ActualCost-0\.csv") as raised:
        reader.read()
    assert SIGNATURE not in str(raised.value)


@pytest.mark.parametrize("status", [401, 403])
def test_a_login_that_may_not_read_costs_is_a_configuration_error(
    api: CostManagement, reader: Reader, status: int
) -> None:
    api.troubles = {"generateCostDetailsReport": [refusal(status, "RBACAccessDenied", "no")]}
    with pytest.raises(ConfigError, match=SCOPE):
        reader.read()


def test_text_that_is_no_json_is_a_sentence(api: CostManagement, reader: Reader) -> None:
    api.troubles = {"OperationResults": [(200, {"Content-Type": "application/json"}, b"<html>")]}
    with pytest.raises(FetchError, match="the answer cannot be read"):
        reader.read()
