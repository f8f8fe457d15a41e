"""CoreWeave's quantities: metered, never charged."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from api_server import Answer, Asked, api_server
from focus_in import FocusSource

from connectors import _http
from connectors._base import Window
from connectors.coreweave_usage import CONNECTOR
from models.errors import ConfigError

ROW: Mapping[str, str] = {
    "BilledCost": "",
    "BillingAccountId": "org-1",
    "BillingAccountName": "",
    "ChargeCategory": "Usage",
    "ChargeClass": "",
    "ChargeDescription": "",
    "ChargePeriodStart": "2026-10-05T09:00:00Z",
    "ChargePeriodEnd": "2026-10-05T10:00:00Z",
    "ConsumedQuantity": "4",
    "ConsumedUnit": "GPU-Hours",
    "RegionId": "US-EAST-04A",
    "RegionName": "",
    "ResourceType": "",
    "ServiceCategory": "Compute",
    "ServiceName": "CoreWeave GPU Compute",
    "SkuId": "gpu-h100",
    "x_CapacityPlan": "On-Demand",
}


@pytest.fixture
def mine(tmp_path: Path) -> FocusSource:
    return FocusSource(tmp_path, connector=CONNECTOR)


def save_json(mine: FocusSource, page: object, path: str = "2026-10/usage-0001.json") -> None:
    file = mine.saved / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(page))


def test_quantities_are_metered_and_nothing_is_charged(mine: FocusSource) -> None:
    mine.save("2026-10/usage.csv", ROW)
    (usage,) = mine.rows("metered_usage")
    assert (usage["sku_id"], usage["consumed_unit"]) == ("gpu-h100", "GPU-Hours")
    assert usage["consumed_quantity"] == Decimal(4)
    assert usage["service_provider_name"] == "CoreWeave"
    assert (usage["region_id"], usage["region_name"]) == ("US-EAST-04A", "US-EAST-04A")
    assert usage["x_billing_period"] == "2026-10"
    assert usage["charge_description"] is None
    assert "charges" not in set(mine.lake.index()["table"])


@pytest.mark.parametrize(
    ("plan", "category", "word"),
    [
        ("Reserved", "Committed", "Reserved"),
        ("Reserved Instances", "Committed", "Reserved"),
        ("on-demand", "Standard", "On-Demand"),
        ("SPOT", "Dynamic", "Spot"),
        ("Flex", "Other", "Flex"),
        ("", None, None),
    ],
)
def test_a_capacity_plan_is_a_pricing_category(
    mine: FocusSource, plan: str, category: str | None, word: str | None
) -> None:
    mine.save("2026-10/usage.csv", {**ROW, "x_CapacityPlan": plan})
    (usage,) = mine.rows("metered_usage")
    assert (usage["pricing_category"], usage["x_usage_type"]) == (category, word)


def test_a_plan_that_nobody_knows_is_a_sentence(mine: FocusSource) -> None:
    mine.save("2026-10/usage.csv", {**ROW, "x_CapacityPlan": "Barter"})
    (said,) = mine.failures()
    assert "x_CapacityPlan is 'Barter'; allowed: Reserved, On-Demand, Spot, Flex" in said


def test_json_pages_keep_every_digit(mine: FocusSource) -> None:
    quantity = "0.123456789012"
    page = json.dumps({"data": [dict(ROW), dict(ROW)]}).replace('"4"', quantity)
    file = mine.saved / "2026-10" / "usage-0001.json"
    file.parent.mkdir(parents=True)
    file.write_text(page)
    save_json(mine, [dict(ROW)], "2026-10/usage-0002.json")
    usage = mine.rows("metered_usage")
    assert [row["consumed_quantity"] for row in usage] == [
        Decimal(quantity), Decimal(quantity), Decimal(4),
    ]  # fmt: skip
    assert [(row["x_file"][-9:], row["x_row"]) for row in usage] == [
        ("0001.json", 1), ("0001.json", 2), ("0002.json", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        ({"data": [1]}, "usage-0001.json is neither a list of rows nor an object with one such"),
        ({"data": [], "rows": []}, "is neither a list of rows nor an object with one such list"),
        ({"data": [{"SkuId": "x"}]}, "column ChargePeriodStart is missing"),
        ({"data": [{**ROW, "ConsumedQuantity": "many"}]}, "ConsumedQuantity is 'many'; allowed: q"),
        ({"data": [{**ROW, "ConsumedQuantity": ""}]}, "consumed_quantity is empty"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(mine: FocusSource, page: object, sentence: str) -> None:
    save_json(mine, page)
    (said,) = mine.failures()
    assert sentence in said


def test_the_api_is_asked_what_the_configuration_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Asked] = []

    def answer(request: Asked) -> Answer:
        asked.append(request)
        return 200, {}, json.dumps({"data": [dict(ROW)]}).encode()

    monkeypatch.setenv("COREWEAVE_TOKEN", "secret")
    monkeypatch.setattr(_http, "now", lambda: datetime(2026, 10, 20, tzinfo=UTC))
    export = {
        "key_env": "COREWEAVE_TOKEN",
        "file": "usage.json",
        "ask": {"path": "focus", "params": {"from": "{start}", "to": "{end}"}},
    }
    with api_server(answer) as url:
        mine = FocusSource(tmp_path, url, CONNECTOR, {"export": export})
        assert mine.failures(Window("2026-10", "2026-10")) == []
    assert asked[0].query == {"from": ["2026-10-01"], "to": ["2026-11-01"]}
    assert asked[0].headers["authorization"] == "Bearer secret"
    assert len(mine.current("metered_usage")) == 1


def test_pages_are_asked_for_until_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COREWEAVE_TOKEN", "secret")
    monkeypatch.setattr(_http, "now", lambda: datetime(2026, 10, 20, tzinfo=UTC))

    def answer(request: Asked) -> Answer:
        token = "" if request.query.get("page_token") else "p2"
        return 200, {}, json.dumps({"data": [dict(ROW)], "nextPageToken": token}).encode()

    export = {
        "key_env": "COREWEAVE_TOKEN",
        "ask": {"path": "focus"},
        "pages": {"cursor": "page_token", "token": "nextPageToken"},
    }
    with api_server(answer) as url:
        mine = FocusSource(tmp_path, url, CONNECTOR, {"export": export})
        assert mine.failures(Window("2026-10", "2026-10")) == []
    usage = mine.current("metered_usage")
    assert [row["x_file"] for row in usage] == ["page-0001.json", "page-0002.json"]


def test_a_page_that_is_missing_is_a_sentence(mine: FocusSource) -> None:
    save_json(mine, {"data": [dict(ROW)], "nextPageToken": "p2"})
    (said,) = mine.failures()
    assert said.endswith("usage-0001.json says nextPageToken, but it is the last page that is here")


def test_a_month_without_use_has_no_rows(mine: FocusSource) -> None:
    save_json(mine, {"data": [], "nextPageToken": ""})
    assert mine.rows("metered_usage") == []


def test_a_url_without_what_to_ask_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the option export must say what to ask there"):
        FocusSource(tmp_path, "https://api.example.com", CONNECTOR).failures()
