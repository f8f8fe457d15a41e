"""RunPod's bills: both shapes of answer, saved and live."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from api_server import Answer, Asked, api_server

from connectors import _http
from connectors._base import Source, Window
from connectors._lake import Lake
from connectors._normalize import normalize
from connectors.runpod_billing import CONNECTOR
from models.errors import ConfigError

SAMPLES = Path(__file__).parents[1] / "data_samples"
OCTOBER = Window("2026-10", "2026-10")
MIDNIGHT = "2026-10-02T00:00:00Z"


def pod(time: str = "2026-10-02T08:00:00Z", amount: str = "1.5", **fields: str) -> str:
    """One record of v1, as the API would print it."""
    given = {"timeBilledMs": "1800000", "podId": '"pod-1"'} | fields
    texts = ", ".join(f'"{name}": {value}' for name, value in given.items())
    return f'{{"time": "{time}", "amount": {amount}, {texts}}}'


def version_one(*records: str) -> str:
    """An answer of v1."""
    return f"[{', '.join(records)}]"


def version_two(*amounts: str, **metadata: str) -> str:
    """An answer of v2 with one pod-hour for each amount."""
    records = ", ".join(
        f'{{"podId": "pod-{number}", "startTime": "2026-10-02T08:00:00Z", "endTime": '
        f'"2026-10-02T09:00:00Z", "totalAmount": {amount}, "gpuAmount": {amount}}}'
        for number, amount in enumerate(amounts)
    )
    stated = {"recordCount": str(len(amounts)), "bucketSize": '"hour"'} | metadata
    texts = ", ".join(f'"{name}": {value}' for name, value in stated.items())
    return f'{{"records": [{records}], "metadata": {{{texts}}}}}'


class Account:
    def __init__(self, root: Path, location: str) -> None:
        self.root, self.lake = root, Lake(root / "lake")
        self.source = Source("runpod", location, CONNECTOR.options())

    def save(self, **answers: str) -> None:
        folder = self.root / "saved" / "2026-10" / "20261103T060000Z"
        folder.mkdir(parents=True)
        for name, text in answers.items():
            (folder / f"{name}.json").write_text(text)

    def failures(self, window: Window = OCTOBER) -> list[str]:
        landed = self.lake.land(self.source, CONNECTOR, window)
        return [
            *landed.failures.values(),
            *normalize(self.lake, self.source, CONNECTOR).values(),
        ]

    def charges(self) -> list[dict[str, Any]]:
        assert self.failures() == []
        listed = self.lake.index().filter(table="charges")["file"]
        files = [str(self.lake.root / file) for file in listed]
        return duckdb.from_parquet(files).to_arrow_table().to_pylist()


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path, str(tmp_path / "saved"))


def test_a_pod_hour_is_a_capacity_charge_of_its_pod(account: Account) -> None:
    account.save(pods=version_one(pod(amount="2.988000000001", diskSpaceBilledGB="200")))
    (charge,) = account.charges()
    assert (charge["resource_id"], charge["x_charge_kind"]) == ("pod-1", "capacity")
    assert charge["x_billed_milliseconds"] == 1_800_000
    assert charge["billed_cost"] == charge["effective_cost"] == Decimal("2.988000000001")
    assert charge["charge_period_start"] == datetime(2026, 10, 2, 8)
    assert charge["charge_period_end"] == datetime(2026, 10, 2, 9)
    assert (charge["consumed_quantity"], charge["consumed_unit"]) == (Decimal(1800), "Seconds")
    assert (charge["pricing_quantity"], charge["pricing_unit"]) == (Decimal("0.5"), "Hours")
    assert charge["list_unit_price"] == Decimal("5.976")
    assert charge["list_cost"] == charge["contracted_cost"] == Decimal("2.988")


def test_version_two_is_the_same_bill_without_the_billed_time(account: Account) -> None:
    account.save(pods=version_two("0.1234567890123456789", "1e-06"))
    charges = account.charges()
    assert [row["billed_cost"] for row in charges] == [
        Decimal("0.123456789012"),
        Decimal("0.000001"),
    ]
    assert [row["resource_id"] for row in charges] == ["pod-0", "pod-1"]
    assert {row["x_charge_kind"] for row in charges} == {"capacity"}
    assert {row["charge_period_end"] for row in charges} == {datetime(2026, 10, 2, 9)}
    silent = ("x_billed_milliseconds", "consumed_quantity", "sku_price_id", "list_unit_price")
    assert {row[name] for row in charges for name in silent} == {None}
    assert [row["list_cost"] for row in charges] == [row["billed_cost"] for row in charges]


def test_times_with_an_offset_are_the_same_instants(account: Account) -> None:
    account.save(
        pods=version_one(pod("2026-10-02T08:00:00+00:00"), pod("2026-10-02T10:00:00+02:00"))
    )
    assert {row["charge_period_start"] for row in account.charges()} == {datetime(2026, 10, 2, 8)}


@pytest.mark.parametrize(
    ("records", "hours"),
    [
        ([pod(MIDNIGHT)], 1),
        ([pod(MIDNIGHT), pod("2026-10-02T01:00:00Z")], 1),
        ([pod(MIDNIGHT, timeBilledMs="3600001")], 24),
        ([pod(MIDNIGHT), pod("2026-10-03T00:00:00Z")], 24),
    ],
)
def test_the_length_of_a_bucket_shows_in_its_records(
    account: Account, records: list[str], hours: int
) -> None:
    account.save(pods=version_one(*records))
    for charge in account.charges():
        length = charge["charge_period_end"] - charge["charge_period_start"]
        assert length.total_seconds() == hours * 3_600


def test_money_that_was_grouped_by_gpu_type_is_kept_without_a_pod(account: Account) -> None:
    record = pod(podId="null", gpuTypeId='"NVIDIA H100 80GB HBM3"')
    account.save(pods=version_one(record))
    (charge,) = account.charges()
    assert charge["billed_cost"] == Decimal("1.5")
    assert charge["resource_id"] is charge["resource_type"] is charge["x_charge_kind"] is None
    assert charge["sku_id"] == "runpod-pods-nvidia-h100-80gb-hbm3"


def test_endpoints_and_volumes_are_part_of_the_bill(account: Account) -> None:
    account.save(
        pods="[]",
        endpoints=version_one(pod(podId="null", endpointId='"endpoint-1"')),
        networkvolumes='[{"time": "2026-10-02T08:00:00Z", "amount": 0.01}]',
    )
    endpoint, volume = account.charges()
    assert (endpoint["resource_type"], endpoint["x_charge_kind"]) == (
        "Serverless endpoint",
        "capacity",
    )
    assert (volume["service_category"], volume["x_charge_kind"]) == ("Storage", None)


def test_negative_amounts_survive(account: Account) -> None:
    account.save(pods=version_one(pod(amount="-0.75"), pod(amount="-5", podId="null")))
    refund, credit = account.charges()
    assert (refund["billed_cost"], refund["charge_category"]) == (Decimal("-0.75"), "Usage")
    assert (credit["billed_cost"], credit["charge_category"]) == (Decimal(-5), "Credit")
    assert refund["list_unit_price"] is credit["consumed_quantity"] is None


def test_totals_that_differ_by_the_dust_of_floating_point_are_accepted(account: Account) -> None:
    account.save(pods=version_two("0.1", "0.2", totals='{"totalAmount": 0.30000000000000004}'))
    assert sum(row["billed_cost"] for row in account.charges()) == Decimal("0.3")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (version_two("1.5", recordCount="2"), "says recordCount 2, but it has 1 records"),
        (version_two("1.5", "2", totals='{"totalAmount": 4.5}'),
         "pods.json says totalAmount 4.5, but its records add up to 3.5"),
        (version_two("1.5", bucketSize='"week"'), "bucket_size is 'week'; allowed: hour, day"),
        (version_one(pod(MIDNIGHT, timeBilledMs='86400001')), "is 'longer than a day'; allowed"),
        (version_one(pod(), pod(amount='"a lot"')), "row 2: amount is 'a lot'; allowed: money"),
        (version_one(pod(amount='null')), "row 1: billed_cost is empty"),
        (version_one(pod('soon')), "row 1: time is 'soon'; allowed: time"),
        (version_one(pod(timeBilledMs='"x"')), "time_billed_ms is 'x'; allowed: quantity"),
        (version_one(pod('2026-11-01T00:00:00Z')), "has records of 2026-11; it belongs to 2026-10"),
        (f"[{pod()}", "pods.json is not complete JSON"),
        ("", "pods.json is empty"),
        ('{"error": "no"}', "pods.json is neither a list of records nor has it the list"),
        ("[1]", "pods.json is neither a list of records"),
    ],
)  # fmt: skip
def test_a_broken_answer_is_refused_in_one_sentence(
    account: Account, answer: str, said: str
) -> None:
    account.save(pods=answer)
    (sentence,) = account.failures()
    assert said in sentence
    assert "\n" not in sentence


def test_an_answer_that_was_saved_twice_is_refused(account: Account) -> None:
    account.save(**{"pods-0001": version_one(pod()), "pods-0002": version_one(pod(amount="1.6"))})
    assert "pods-0001.json and pods-0002.json have the same record" in account.failures()[0]


def test_a_file_that_is_no_answer_is_refused(account: Account) -> None:
    account.save(pods="[]", invoice="[]")
    assert "invoice.json is not an answer; allowed: pods" in account.failures()[0]


def test_the_sample_adds_up_to_its_own_records(tmp_path: Path) -> None:
    account = Account(tmp_path, str(SAMPLES / "runpod"))
    assert account.failures(Window()) == []
    expected: dict[str, Decimal] = {}
    for file in (SAMPLES / "runpod").glob("*/*/pods.json"):
        answer = json.loads(file.read_text(), parse_float=Decimal)
        for record in answer["records"] if isinstance(answer, dict) else answer:
            amount = Decimal(record.get("amount", record.get("totalAmount")))
            expected[record["podId"]] = expected.get(record["podId"], Decimal(0)) + amount
    charges = pl.read_parquet(tmp_path / "lake" / "charges" / "*.parquet")
    found = charges.group_by("resource_id").agg(pl.sum("billed_cost"))
    assert dict(found.iter_rows()) == expected


@pytest.fixture
def api() -> Iterator[tuple[str, list[Asked]]]:
    """A server that has pods and endpoints but no network volumes, and what it was asked."""
    questions: list[Asked] = []

    def answer(question: Asked) -> Answer:
        questions.append(question)
        body = version_one(pod()) if question.path.endswith("/pods") else "[]"
        unknown = ("/v1/billing/networkvolumes", "/v2/billing/network-volumes")
        return 404 if question.path in unknown else 200, {}, body.encode()

    with api_server(answer) as url:
        yield url, questions


def test_the_live_api_is_asked_by_the_hour_and_by_pod(
    api: tuple[str, list[Asked]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, questions = api
    monkeypatch.setenv("RUNPOD_API_KEY", "a-secret")
    account = Account(tmp_path, f"{url}/v1")
    assert [row["billed_cost"] for row in account.charges()] == [Decimal("1.5")]
    pods, endpoints, _ = questions
    assert (pods.path, pods.headers["authorization"]) == ("/v1/billing/pods", "Bearer a-secret")
    assert pods.query == {
        "startTime": ["2026-10-01T00:00:00Z"], "endTime": ["2026-10-31T23:59:59Z"],
        "bucketSize": ["hour"], "grouping": ["podId"],
    }  # fmt: skip
    assert endpoints.query["grouping"] == ["endpointId"]
    (manifest,) = account.lake.manifests("runpod")["2026-10"]
    assert manifest.request["networkvolumes"] == {"offered": False}
    assert "a-secret" not in manifest.model_dump_json()


def test_the_hour_that_is_running_is_left_out(
    api: tuple[str, list[Asked]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, questions = api
    monkeypatch.setenv("RUNPOD_API_KEY", "a-secret")
    monkeypatch.setattr(_http, "now", lambda: datetime(2026, 10, 20, 9, 30, tzinfo=UTC))
    assert Account(tmp_path, f"{url}/v2").failures() == []
    assert [asked.path.removeprefix("/v2/billing/") for asked in questions] == [
        "pods", "serverless", "endpoints", "clusters", "network-volumes", "networkvolumes",
    ]  # fmt: skip
    assert {asked.query["endTime"][0] for asked in questions} == {"2026-10-20T08:59:59Z"}
    assert not any("grouping" in asked.query for asked in questions)


def test_a_key_that_is_not_set_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNPOD_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="RUNPOD_API_KEY is not set"):
        Account(tmp_path, "https://rest.runpod.io/v1").failures()
