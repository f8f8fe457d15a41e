"""Billing APIs that a map describes, played by a server on the loopback from the saved answers."""

import csv
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from api_server import Answer, Asked, api_server

from connectors import _http, all_connectors
from connectors._base import Source, Window
from connectors._http import _client
from connectors._lake import Lake
from connectors._normalize import normalize
from models.errors import ConfigError, FetchError

SAMPLES = Path(__file__).parents[1] / "data_samples"
OCTOBER, NOVEMBER = "2026-10/20261103T060000Z", "2026-11/20261103T060000Z"
KEY = "nobody-may-see-this-key"
with (SAMPLES / "control_totals.csv").open() as _file:
    TOTALS = {(row["source"], row["billing_period"]): row for row in csv.DictReader(_file)}

# What is asked, by path and what of its query tells pages apart: the file that answers, or a body.
Routes = dict[tuple[str, str], str | dict[str, Any]]
UUID = "22737513-0ea7-4206-8ceb-98a575af7681"
INVOICES = {
    "invoices": [
        {"invoice_uuid": UUID, "invoice_period": "2026-10"},
        {"invoice_uuid": "of-september", "invoice_period": "2026-09"},
    ],
    "invoice_preview": {"invoice_uuid": "preview", "invoice_period": "2026-11"},
    "links": {},
}
VULTR = "/v2/billing/invoices"
BASETEN = "/v1/billing/usage_summary"
HYPERSTACK = "/v1/billing/billing/history"
VENDORS: dict[str, tuple[dict[str, str], Routes]] = {
    "vultr": (
        {"authorization": f"Bearer {KEY}"},
        {
            ("/v2/billing/pending-charges", ""): f"{NOVEMBER}/pending-charges.json",
            (VULTR, ""): {
                "billing_invoices": [{"id": 6, "date": "2026-10-01T00:30:05+00:00"}],
                "meta": {"links": {"next": "more"}},
            },
            (VULTR, "cursor=more"): {
                "billing_invoices": [{"id": 7345120, "date": "2026-11-01T00:30:05+00:00"}],
                "meta": {"links": {"next": ""}},
            },
            (f"{VULTR}/7345120", ""): f"{OCTOBER}/invoice.json",
            (f"{VULTR}/7345120/items", ""): f"{OCTOBER}/items-0001.json",
            (f"{VULTR}/7345120/items", "cursor=bmV4dF9faXRlbXM="): f"{OCTOBER}/items-0002.json",
        },
    ),
    "digitalocean": (
        {"authorization": f"Bearer {KEY}"},
        {
            ("/v2/customers/my/invoices", ""): INVOICES,
            (f"/v2/customers/my/invoices/{UUID}/summary", ""): f"{OCTOBER}/summary.json",
            (f"/v2/customers/my/invoices/{UUID}/csv", ""): f"{OCTOBER}/invoice.csv",
            ("/v2/customers/my/invoices/preview/summary", ""): f"{NOVEMBER}/summary.json",
            ("/v2/customers/my/invoices/preview/csv", ""): f"{NOVEMBER}/invoice.csv",
        },
    ),
    "vast": (
        {"authorization": f"Bearer {KEY}"},
        {
            ("/api/v0/charges/", "gte=1790812800"): f"{OCTOBER}/charges-0001.json",
            ("/api/v0/charges/", "gte=1790812800&after_token=t1"): f"{OCTOBER}/charges-0002.json",
            ("/api/v0/charges/", "gte=1790812800&after_token=t2"): f"{OCTOBER}/charges-0003.json",
            ("/api/v0/charges/", "gte=1793491200"): f"{NOVEMBER}/charges-0001.json",
        },
    ),
    "together": (
        {"authorization": f"Bearer {KEY}"},
        {
            ("/v1/billing/usage", "month=2026-10"): f"{OCTOBER}/usage-0001.json",
            ("/v1/billing/usage", "month=2026-10&after=cursor_1"): f"{OCTOBER}/usage-0002.json",
            ("/v1/billing/usage", "month=2026-11"): f"{NOVEMBER}/usage-0001.json",
        },
    ),
    "mistral": (
        {"x-api-key": KEY},
        {
            ("/usage", "month=10&year=2026"): f"{OCTOBER}/usage.json",
            ("/usage", "month=11&year=2026"): f"{NOVEMBER}/usage.json",
        },
    ),
    "hyperstack": (
        {"api_key": KEY},
        {
            (f"{HYPERSTACK}/{kind}", f"start_date={month}-01T00:00:00"): f"{place}/{kind}.json"
            for kind in ("virtual-machine", "volume")
            for month, place in (("2026-10", OCTOBER), ("2026-11", NOVEMBER))
        },
    ),
    "baseten": (
        {"authorization": f"Api-Key {KEY}"},
        {
            (BASETEN, f"start_date={month}-01T00:00:00Z"): f"{place}/usage_summary.json"
            for month, place in (("2026-10", OCTOBER), ("2026-11", NOVEMBER))
        },
    ),
    "xai": (
        {"authorization": f"Bearer {KEY}"},
        {("/v1/billing/teams/team-9/postpaid/invoice/preview", ""): f"{NOVEMBER}/preview.json"},
    ),
}  # fmt: skip
TELLING = ("cursor", "after_token", "after", "month", "year", "start_date")


class FakeVendor:
    """Answers as saved; `fault` may answer instead."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.secret, self.routes = VENDORS[name]
        self.asked: list[Asked] = []
        self.fault: Callable[[Asked], Answer | None] = lambda asked: None

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if any(asked.headers.get(name) != value for name, value in self.secret.items()):
            return 401, {}, f"who is {KEY}?".encode()
        if told := self.fault(asked):
            return told
        told = self.routes.get((asked.path, self.question(asked)))
        if told is None:
            return 404, {}, b'{"error": "no such thing"}'
        if isinstance(told, str):
            return 200, {}, (SAMPLES / self.name / told).read_bytes()
        return 200, {}, json.dumps(told).encode()

    def question(self, asked: Asked) -> str:
        query = {name: values[0] for name, values in asked.query.items()}
        parts = []
        if filters := query.get("select_filters"):
            parts.append(f"gte={json.loads(filters)['day']['gte']}")
        order = [name for name in ("month", "year", "start_date", *TELLING) if name in query]
        parts += [f"{name}={query[name]}" for name in dict.fromkeys(order)]
        return "&".join(parts)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "now", lambda: datetime(2026, 11, 3, 6, tzinfo=UTC))
    monkeypatch.setattr(_client, "ATTEMPTS", 3)


@pytest.fixture
def live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., tuple[FakeVendor, Source, Lake]]]:
    servers = []

    def start(name: str, **options: str) -> tuple[FakeVendor, Source, Lake]:
        connector, vendor = all_connectors()[name], FakeVendor(name)
        server = api_server(vendor.answer)
        servers.append(server)
        options = {"team": "team-9"} if name == "xai" and not options else options
        given = connector.options.model_validate(options)
        monkeypatch.setenv(given.model_dump()["api_key_env"], KEY)
        return vendor, Source(name, server.__enter__(), given), Lake(tmp_path / "lake")

    yield start
    for server in servers:
        server.__exit__(None, None, None)


def run(source: Source, lake: Lake, window: Window | None = None) -> dict[str, str]:
    connector = all_connectors()[source.name]
    landing = lake.land(source, connector, window or Window()).failures
    return landing | normalize(lake, source, connector)


def delivered(lake: Lake) -> dict[str, tuple[int, Decimal]]:
    table = lake.index().filter(table="charges", status="current")
    return {
        row["slot"]: (row["delivered"][0]["rows"], Decimal(row["delivered"][0]["amount"]))
        for row in table.to_dicts()
    }


def stated(name: str) -> dict[str, tuple[int, Decimal]]:
    months = ["2026-11"] if name == "xai" else ["2026-10", "2026-11"]
    return {
        month: (int(TOTALS[name, month]["rows"]), Decimal(TOTALS[name, month]["billed_cost"]))
        for month in months
    }


@pytest.mark.parametrize("name", VENDORS)
def test_what_the_api_answers_is_what_the_saved_answers_say(
    live: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor, source, lake = live(name)
    # It is busy once, and cuts an answer off once.
    faults: list[Answer] = [
        (429, {"Retry-After": "0"}, b""),
        (200, {"Content-Length": "99999"}, b'{"data": ['),
    ]
    vendor.fault = lambda asked: faults.pop() if faults else None
    assert run(source, lake) == {}
    assert delivered(lake) == stated(name)
    check_kept(vendor, lake)
    # Asked again an hour later, the same answers are no new delivery.
    asked = len(vendor.asked) - 2
    monkeypatch.setattr(_http, "now", lambda: datetime(2026, 11, 3, 7, tzinfo=UTC))
    assert run(source, lake) == {}
    assert len(vendor.asked) == 2 * asked + 2
    assert all(len(versions) == 1 for versions in lake.manifests(name).values())


def check_kept(vendor: FakeVendor, lake: Lake) -> None:
    """The bytes are the vendor's, and no key is among them."""
    kept = [path for path in lake.root.rglob("*") if path.is_file()]
    assert all(KEY.encode() not in path.read_bytes() for path in kept)
    sent = {
        (SAMPLES / vendor.name / told).read_bytes()
        for told in vendor.routes.values()
        if isinstance(told, str)
    }
    assert sent <= {path.read_bytes() for path in kept if "raw" in path.parts}


def test_a_wrong_key_is_a_sentence_that_names_its_variable(
    live: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, source, lake = live("vast")
    monkeypatch.setenv("VAST_API_KEY", "wrong")
    with pytest.raises(ConfigError, match="the key in VAST_API_KEY is wrong") as error:
        run(source, lake)
    assert KEY not in str(error.value)
    monkeypatch.delenv("VAST_API_KEY")
    with pytest.raises(ConfigError, match="VAST_API_KEY is not set"):
        run(source, lake)


def test_a_key_may_be_in_another_variable(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, source, lake = live("vast", api_key_env="OUR_VAST_KEY")
    monkeypatch.delenv("VAST_API_KEY", raising=False)
    assert run(source, lake) == {}


def test_what_the_source_must_say_is_asked_for(live: Any) -> None:
    _, source, lake = live("xai", api_key_env="XAI_MANAGEMENT_KEY")
    with pytest.raises(ConfigError, match="preview: the source does not say team"):
        run(source, lake)


def test_what_the_source_may_say_is_asked_with(live: Any) -> None:
    vendor, source, lake = live("together", organization_id="org-7")
    assert run(source, lake) == {}
    assert {asked.query["organization_id"][0] for asked in vendor.asked} == {"org-7"}
    vendor, source, lake = live("mistral")
    assert run(source, lake) == {}
    assert all("workspace_id" not in asked.query for asked in vendor.asked)


def test_an_invoice_that_is_not_there_yet_leaves_what_was_pending(live: Any) -> None:
    vendor, source, lake = live("vultr")
    vendor.routes = {key: told for key, told in vendor.routes.items() if "cursor" not in key[1]}
    vendor.routes[VULTR, ""] = {"billing_invoices": [], "meta": {"links": {"next": ""}}}
    said = run(source, lake)
    assert list(said) == ["2026-10"]
    assert said["2026-10"].endswith("has no invoice of 2026-10 yet")
    assert list(delivered(lake)) == ["2026-11"]


def test_a_page_that_is_missing_is_a_sentence(live: Any, tmp_path: Path) -> None:
    folder = tmp_path / "saved" / OCTOBER
    folder.mkdir(parents=True)
    page = (SAMPLES / "together" / OCTOBER / "usage-0001.json").read_bytes()
    (folder / "usage-0001.json").write_bytes(page)
    source = Source("together", str(tmp_path / "saved"), all_connectors()["together"].options())
    (said,) = run(source, Lake(tmp_path / "lake")).values()
    assert said == ("2026-10/usage-0001.json says that there is more, but the next page is absent")


def test_a_vendor_without_an_api_is_read_from_files(tmp_path: Path) -> None:
    source = Source("lambda", "https://api.lambda.example", all_connectors()["lambda"].options())
    with pytest.raises(ConfigError, match="Lambda is read from files; allowed: a folder or s3://"):
        run(source, Lake(tmp_path / "lake"))


def test_a_vendor_that_stays_busy_is_left_for_later(live: Any) -> None:
    vendor, source, lake = live("baseten")
    vendor.fault = lambda asked: (503, {"Retry-After": "0"}, b"")
    with pytest.raises(FetchError, match="still answers 503"):
        run(source, lake)
