"""Every endpoint of OpenAI: the documented examples, decisions, and the projects' names."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from api_server import Answer, Asked, api_server

from connectors._base import Source, Window
from connectors._lake import Lake
from connectors._normalize import normalize
from connectors.openai_costs import CONNECTOR
from connectors.openai_costs._fetch import GROUPINGS

EXAMPLES = Path(__file__).parents[2] / "shared" / "samples" / "vendors" / "openai"
NOVEMBER = 1730419200  # 2024-11-01, as in the examples
WINDOW = Window("2024-11", "2024-11")
KEY = "sk-admin-nobody-may-see-this"


def page(*results: dict[str, Any]) -> str:
    bucket = {"start_time": NOVEMBER, "end_time": NOVEMBER + 86_400, "results": list(results)}
    return json.dumps({"object": "page", "data": [bucket], "has_more": False, "next_page": None})


COST = {
    "amount": {"value": 0.06, "currency": "usd"}, "line_item": "gpt-5, output",
    "project_id": "proj_1", "api_key_id": None, "quantity": None, "quantity_unit": None,
}  # fmt: skip
ORGANIZATION = {"costs-0001.json": page(COST)}


class Landed:
    def __init__(self, root: Path, location: str) -> None:
        self.source = Source("openai", location, CONNECTOR.options())
        self.lake = Lake(root / "lake")
        self.report = self.lake.land(self.source, CONNECTOR, WINDOW)
        assert self.report.failures == {}
        assert normalize(self.lake, self.source, CONNECTOR) == {}

    def table(self, name: str) -> list[dict[str, Any]]:
        files = self.lake.index().filter(table=name, status="current")["file"]
        paths = [str(self.lake.root / file) for file in files]
        return duckdb.from_parquet(paths).to_arrow_table().to_pylist()


def landed(root: Path, pages: dict[str, str]) -> Landed:
    folder = root / "pages" / "2024-11" / "20241203T060000Z"
    folder.mkdir(parents=True)
    for name, text in pages.items():
        (folder / name).write_text(text)
    return Landed(root, str(root / "pages"))


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the documented examples are not here")
def test_the_documented_example_of_every_endpoint_is_landed_and_read(tmp_path: Path) -> None:
    examples = {
        re.sub("example_organization_(usage_)?", "", file.stem): re.sub(
            r"\"has_more\": *true", '"has_more": false', file.read_text()
        )
        for file in EXAMPLES.glob("example_*.json")
    }
    assert set(examples) == set(GROUPINGS) - {"decisions"}
    all_of_them = landed(tmp_path, {f"{name}-0001.json": text for name, text in examples.items()})
    assert [row["billed_cost"] for row in all_of_them.table("charges")] == [Decimal("0.06")]
    counted: dict[str, int] = {}
    for row in all_of_them.table("token_usage"):
        if row["operation_name"] == "chat":
            counted[row["token_type"]] = row["quantity"]
    stated = json.loads(examples["completions"])["data"][0]["results"][0]
    assert sum(counted.values()) == stated["input_tokens"] + stated["output_tokens"]
    assert counted["cache_read"] == stated["input_cached_tokens"]
    assert counted["audio_input"] == stated["input_audio_tokens"]
    others = {row["operation_name"] for row in all_of_them.table("token_usage")}
    assert others == {"chat", "embeddings", "moderations"}


def test_decisions_are_tokens_too(tmp_path: Path) -> None:
    decisions = {
        "object": "organization.usage.decisions.result", "input_tokens": 100, "output_tokens": 20,
        "input_cached_tokens": 30, "num_model_requests": 2, "model": "gpt-6-judge",
        "batch": True, "project_id": "proj_1", "api_key_id": None, "service_tier": None,
    }  # fmt: skip
    rows = landed(tmp_path, ORGANIZATION | {"decisions-0001.json": page(decisions)})
    assert [
        (row["operation_name"], row["service_tier"], row["token_type"], row["quantity"])
        for row in rows.table("token_usage")
    ] == [
        ("decisions", "batch", "uncached_input", 70),
        ("decisions", "batch", "cache_read", 30),
        ("decisions", "batch", "output", 20),
    ]


def projects(*names: tuple[str, str], has_more: bool = False) -> dict[str, Any]:
    data = [{"id": key, "object": "organization.project", "name": name} for key, name in names]
    return {"object": "list", "data": data, "last_id": names[-1][0], "has_more": has_more}


def test_a_project_has_its_name(tmp_path: Path) -> None:
    names = json.dumps(projects(("proj_1", "Desk")))
    (charge,) = landed(tmp_path, ORGANIZATION | {"projects-0001.json": names}).table("charges")
    assert (charge["sub_account_id"], charge["sub_account_name"]) == ("proj_1", "Desk")


def test_a_project_whose_name_is_not_known_keeps_its_id(tmp_path: Path) -> None:
    names = json.dumps(projects(("proj_2", "Another")))
    (charge,) = landed(tmp_path, ORGANIZATION | {"projects-0001.json": names}).table("charges")
    assert (charge["sub_account_id"], charge["sub_account_name"]) == ("proj_1", "proj_1")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Asked]:
    monkeypatch.setenv("OPENAI_ADMIN_KEY", KEY)
    return []


def live(root: Path, asked: list[Asked], answer_projects: Any) -> Landed:
    def answer(request: Asked) -> Answer:
        asked.append(request)
        if request.path.endswith("/projects"):
            status, content = answer_projects(request)
            return status, {}, json.dumps(content).encode()
        body = page(COST) if request.path.endswith("/costs") else page()
        return 200, {}, body.encode()

    with api_server(answer) as url:
        return Landed(root, f"{url}/v1")


def test_archived_projects_are_named_and_listed_page_by_page(
    tmp_path: Path, asked: list[Asked]
) -> None:
    def two_pages(request: Asked) -> tuple[int, Any]:
        assert request.query["include_archived"] == ["true"]
        if request.query.get("after") == ["proj_0"]:
            return 200, projects(("proj_1", "Desk"))
        return 200, projects(("proj_0", "Old"), has_more=True)

    (charge,) = live(tmp_path, asked, two_pages).table("charges")
    assert charge["sub_account_name"] == "Desk"
    assert len({request.path for request in asked}) == len(asked) - 1 == 13


def test_a_key_that_may_not_list_projects_still_reads_the_bill(
    tmp_path: Path, asked: list[Asked]
) -> None:
    found = live(tmp_path, asked, lambda request: (403, {"error": {"message": "no"}}))
    (charge,) = found.table("charges")
    assert charge["sub_account_name"] == "proj_1"
    (manifest,) = found.report.landed
    assert manifest.request["projects"] == {"offered": False}
