"""Queries of Azure's API where a scope has no reports, saved answers, and wrong locations."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from azure_exports import charges_of
from azure_reader import Reader, not_offered
from azure_server import SCOPE, CostManagement, refusal, serve

from connectors import _http
from connectors._base import Source, Window
from connectors.azure_cost_api import CONNECTOR
from models.errors import ConfigError, FetchError

pytest_plugins = ["azure_fixtures"]


def test_a_scope_without_reports_is_asked_by_query_and_every_page_followed(
    api: CostManagement, reader: Reader
) -> None:
    not_offered(api)
    disk = "/subscriptions/s/resourcegroups/g/providers/microsoft.compute/disks/d"
    rows = [f'[202610{day:02d}, "P10", {day}.25, "{disk}", 1, "USD"]' for day in range(1, 10)]
    api.pages = [
        api.page(number, ", ".join(rows[number * 3 : number * 3 + 3]), last=number == 2)
        for number in range(3)
    ]
    assert reader.read() == {}
    assert reader.total() == sum(Decimal(day) + Decimal("0.25") for day in range(1, 10))
    posts = api.posts("/query")
    assert len(posts) == 3
    assert all(post.json == posts[0].json for post in posts)
    assert posts[0].json["timePeriod"] == {
        "from": "2026-10-01T00:00:00Z",
        "to": "2026-10-31T23:59:59Z",
    }
    charge = charges_of(reader.lake)[0]
    assert (charge["resource_id"], charge["x_usage_type"]) == (disk, "P10")
    assert charge["billing_account_id"] == f"/{SCOPE}"
    assert reader.manifest()["interface"] == "query"


def test_a_scope_without_reports_is_a_sentence_where_only_reports_are_wanted(
    api: CostManagement, tmp_path: Path
) -> None:
    not_offered(api)
    reader = Reader(api, tmp_path, interface="report")
    ((_, sentence),) = reader.read().items()
    assert "answered 400: (BadRequest) Cost details is not supported for this offer" in sentence


def test_a_query_does_not_replace_what_a_report_said(
    api: CostManagement, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reader.read() == {}
    monkeypatch.setattr(_http, "now", lambda: datetime(2026, 11, 4, 6, tzinfo=UTC))
    not_offered(api)
    ((_, sentence),) = reader.read().items()
    assert "answered 400" in sentence
    assert reader.total() == Decimal(6)


def test_money_is_the_text_of_the_answer_and_no_float(api: CostManagement, tmp_path: Path) -> None:
    reader = Reader(api, tmp_path, interface="query")
    texts = ["12345678.123456789012", "0.100000000001", "7.2E-07", "-3.000000000001", "1e2"]
    rows = (f'[20261005, "m", {text}, "", 0.3, "USD"]' for text in texts)
    api.pages = [api.page(0, ", ".join(rows), last=True)]
    assert reader.read() == {}
    assert [row["billed_cost"] for row in charges_of(reader.lake)] == [
        Decimal(text) for text in texts
    ]
    assert reader.total() == sum(map(Decimal, texts))


def test_a_next_page_elsewhere_is_not_asked_for(api: CostManagement, tmp_path: Path) -> None:
    reader = Reader(api, tmp_path, interface="query")
    api.pages = [api.page(0, "", link="https://evil.example.com/steal")]
    ((_, sentence),) = reader.read().items()
    assert "the next page is at evil.example.com, which is not asked" in sentence


def test_pages_that_lead_back_to_themselves_are_a_sentence(
    api: CostManagement, tmp_path: Path
) -> None:
    reader = Reader(api, tmp_path, interface="query")
    api.pages = [api.page(0, ""), api.page(0, "")]
    ((_, sentence),) = reader.read().items()
    assert "does not end: after 2 pages" in sentence


def test_a_next_page_that_is_refused_leaves_nothing_behind(
    api: CostManagement, tmp_path: Path
) -> None:
    reader = Reader(api, tmp_path, interface="query")
    api.pages = [api.page(0, '[20261005, "m", 6, "", 1, "USD"]'), b"never"]
    api.troubles = {}

    answer = api.answer

    def refusing(asked: Any) -> Any:
        if "$skiptoken" in asked.query:
            api.asked.append(asked)
            return refusal(400, "BadRequest", "The skip token has expired")
        return answer(asked)

    api.answer = refusing  # type: ignore[method-assign]
    ((_, sentence),) = reader.read().items()
    assert "answered 400" in sentence
    assert reader.lake.manifests("azure") == {}


def test_no_content_is_an_empty_month(api: CostManagement, tmp_path: Path) -> None:
    reader = Reader(api, tmp_path, interface="query")
    assert reader.read() == {}
    assert charges_of(reader.lake) == []


def test_rows_of_another_month_are_refused(api: CostManagement, tmp_path: Path) -> None:
    reader = Reader(api, tmp_path, interface="query")
    api.pages = [api.page(0, '[20261101, "m", 6, "", 1, "USD"]', last=True)]
    ((_, sentence),) = reader.read().items()
    assert "row 1 is of the day 2026-11-01; allowed: 2026-10" in sentence


def test_a_saved_answer_of_which_a_page_is_missing_is_a_sentence(
    api: CostManagement, tmp_path: Path
) -> None:
    saved = tmp_path / "saved/2026-10/20261103T060000Z"
    saved.mkdir(parents=True)
    (saved / "query-0001.json").write_bytes(api.page(0, '[20261005, "m", 6, "", 1, "USD"]'))
    reader = Reader(api, tmp_path)
    reader.source = Source("azure", str(tmp_path / "saved"), CONNECTOR.options())
    ((_, sentence),) = reader.read().items()
    assert "says that another page follows, but it is the last" in sentence


def test_a_saved_file_that_is_no_answer_is_a_sentence(api: CostManagement, tmp_path: Path) -> None:
    saved = tmp_path / "saved/2026-10/20261103T060000Z"
    saved.mkdir(parents=True)
    (saved / "notes.txt").write_text("x")
    reader = Reader(api, tmp_path)
    reader.source = Source("azure", str(tmp_path / "saved"), CONNECTOR.options())
    ((_, sentence),) = reader.read().items()
    assert "notes.txt is no saved answer; allowed: names like actual-0001.csv" in sentence


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("http://management.azure.com/subscriptions/x", "would send a token unencrypted"),
        ("https://management.azure.com", "names no scope; allowed: https://management.azure"),
    ],
)
def test_a_location_that_cannot_be_asked_is_a_configuration_error(
    location: str, sentence: str, tmp_path: Path
) -> None:
    source = Source("azure", location, CONNECTOR.options())
    delivery = next(iter(CONNECTOR.discover(source, Window(), {})))
    with pytest.raises(ConfigError, match=sentence):
        CONNECTOR.fetch(source, delivery, tmp_path)


def test_an_api_that_does_not_answer_can_be_tried_again(tmp_path: Path, slept: list[float]) -> None:
    with serve() as gone:
        location = gone.location
    source = Source("azure", location, CONNECTOR.options())
    delivery = next(iter(CONNECTOR.discover(source, Window(), {})))
    with pytest.raises(FetchError, match="cannot be reached"):
        CONNECTOR.fetch(source, delivery, tmp_path)
    assert slept
