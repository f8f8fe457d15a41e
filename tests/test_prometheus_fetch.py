"""Asking a server: who asks, what is refused, which days are read; and answers that were saved."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from api_server import Answer, Asked, api_server
from prometheus_answers import DAY, TARGET, answer
from prometheus_lake import Metrics, metrics, today_is

import connectors._http._client
from connectors._base import Window
from connectors.prometheus._fetch import discover
from models.errors import ConfigError, FetchError, UnitledgerError

EMPTY = answer([]).encode()
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def asked() -> list[Asked]:
    return []


@pytest.fixture
def serve(asked: list[Asked]) -> Iterator[Callable[..., str]]:
    """Serve one answer to every question; return the URL."""
    open_servers = []

    def start(status: int = 200, body: bytes = EMPTY) -> str:
        def respond(request: Asked) -> Answer:
            asked.append(request)
            return status, JSON, body

        server = api_server(respond)
        open_servers.append(server)
        return server.__enter__()

    yield start
    for server in open_servers:
        server.__exit__(None, None, None)


def refusal(kind: str, text: str) -> bytes:
    return json.dumps({"status": "error", "errorType": kind, "error": text}).encode()


def said(source: Metrics) -> str:
    """Return the sentence of a run that fails."""
    try:
        [sentence] = source.land(DAY).failures.values()
    except UnitledgerError as error:
        sentence = str(error)
    assert "\n" not in sentence
    return sentence


def test_every_query_asks_for_the_samples_of_a_day_and_an_hour_around_it(
    serve: Callable[..., str], asked: list[Asked], tmp_path: Path
) -> None:
    metrics(serve(), tmp_path, matchers='cluster="prod"', queries=["vllm", "kube_facts"]).land(DAY)
    samples = [one.query for one in asked if one.path == "/api/v1/query"]
    start = datetime(2026, 10, 5, 23, tzinfo=UTC).timestamp()
    assert [int(query["time"][0]) - start for query in samples] == [
        *(4 * 3_600 * number for number in range(1, 7)), 26 * 3_600,
    ]  # fmt: skip
    assert samples[0]["query"][0].startswith('{__name__=~"(ray_|kserve_)?vllm[:_]prompt_tokens')
    assert samples[0]["query"][0].endswith('",cluster="prod"}[14400s]')
    assert samples[-1]["query"][0].endswith("[7200s]")
    facts = [one.query for one in asked if one.path == "/api/v1/query_range"]
    assert {query["step"][0] for query in facts} == {"300"}
    edges = [(int(query["start"][0]) - start, int(query["end"][0]) - start) for query in facts]
    assert edges[0] == (0, 4 * 3_600 - 300)
    assert edges[1][0] == 4 * 3_600


def test_a_token_a_password_and_a_tenant_are_sent(
    serve: Callable[..., str],
    asked: list[Asked],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("METRICS_SECRET", "s3cret")
    url = serve()
    shared = {"queries": ["tgi"], "headers": {"X-Scope-OrgID": "team-a"}}
    metrics(url, tmp_path / "a", token_env="METRICS_SECRET", **shared).land(DAY)
    assert asked[-1].headers["authorization"] == "Bearer s3cret"
    assert asked[-1].headers["x-scope-orgid"] == "team-a"
    metrics(
        url, tmp_path / "b", username="reader", password_env="METRICS_SECRET", **shared
    ).land(DAY)  # fmt: skip
    expected = base64.b64encode(b"reader:s3cret").decode()
    assert asked[-1].headers["authorization"] == f"Basic {expected}"
    manifests = [file.read_text() for file in tmp_path.rglob("manifest.json")]
    assert len(manifests) == 2
    assert not any("s3cret" in text for text in manifests)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"token_env": "NO_SUCH"}, "the environment variable NO_SUCH is not set"),
        ({"headers": {"Authorization": "Bearer x"}}, "headers.Authorization would put a secret"),
        ({"token_env": "HOME", "password_env": "HOME"}, "are both set; allowed: one of them"),
        ({"token_env": "HOME"}, "http://metrics.example would send the secret in HOME unencrypt"),
    ],
)
def test_a_secret_in_the_wrong_place_is_a_sentence(
    tmp_path: Path, options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        metrics("http://metrics.example", tmp_path, **options).land(DAY)


def test_what_the_server_refuses_is_a_sentence_with_its_own_reason(
    serve: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connectors._http._client, "ATTEMPTS", 1)
    bad = serve(400, refusal("bad_data", 'invalid parameter "query": parse error'))
    assert 'answered 400 (invalid parameter "query": parse error)' in said(metrics(bad, tmp_path))
    much = serve(422, refusal("execution", "query processing would load too many samples"))
    assert "answered 422 (query processing would load too many" in said(metrics(much, tmp_path))
    with pytest.raises(FetchError, match="still answers 503"):
        metrics(serve(503, refusal("timeout", "query timed out")), tmp_path).land(DAY)
    assert "answered 401: it wants to know who asks; set token_env" in said(
        metrics(serve(401, b""), tmp_path)
    )
    monkeypatch.setenv("METRICS_SECRET", "s3cret")
    wrong = metrics(serve(403, b""), tmp_path, token_env="METRICS_SECRET")
    assert "the secret in METRICS_SECRET is wrong, or may not read this" in said(wrong)


def test_an_answer_that_is_no_answer_is_a_sentence_and_nothing_lands(
    serve: Callable[..., str], tmp_path: Path
) -> None:
    source = metrics(serve(200, b"<html>log in</html>"), tmp_path)
    assert "is empty, cut off or not an answer of the API" in said(source)
    assert source.lake.manifests("metrics") == {}


def test_what_the_server_says_beside_its_answer_is_kept_and_shown(
    serve: Callable[..., str], tmp_path: Path
) -> None:
    partial = answer([], warnings=["store 10.0.0.9 cannot be reached"], infos=["no counter"])
    source = metrics(serve(200, partial.encode()), tmp_path, queries=["tgi"], hours_a_request=26)
    source.run(DAY)
    told = source.values("quarantine", ("column_name", "value"))
    assert told == [("warnings", "no counter"), ("warnings", "store 10.0.0.9 cannot be reached")]


def test_a_fetch_that_broke_off_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connectors._http._client, "ATTEMPTS", 1)
    paths: list[str] = []

    def respond(request: Asked) -> Answer:
        paths.append(request.query["time"][0])
        return (503 if len(paths) == 4 else 200), JSON, EMPTY

    with api_server(respond) as url:
        source = metrics(url, tmp_path, queries=["tgi"])
        with pytest.raises(FetchError):
            source.land(DAY)
        source.land(DAY)
    assert len(paths) == 8
    assert len(set(paths)) == 7


def test_a_run_reads_today_and_the_days_that_may_still_change(
    serve: Callable[..., str], tmp_path: Path
) -> None:
    source = metrics(serve(), tmp_path, queries=["tgi"], history_days=5, reread_days=1)
    slots = []
    for moment in (
        datetime(2026, 10, 6, 9, tzinfo=UTC),
        datetime(2026, 10, 7, 9, tzinfo=UTC),
        datetime(2026, 10, 10, 9, tzinfo=UTC),
    ):
        with today_is(moment):
            report = source.land_all()
        asked_for = report.known + len(report.landed)
        slots.append((asked_for, sorted(source.lake.manifests("metrics"))[-1]))
    assert slots == [(5, "2026-10-06"), (2, "2026-10-07"), (4, "2026-10-10")]


def test_a_window_of_a_month_asks_for_its_days(tmp_path: Path) -> None:
    source = metrics("http://127.0.0.1:9", tmp_path).source
    with today_is(datetime(2026, 11, 20, tzinfo=UTC)):
        days = [delivery.slot for delivery in discover(source, Window("2026-10", "2026-10"), {})]
    assert (days[0], days[-1], len(days)) == ("2026-10-01", "2026-10-31", 31)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (answer([]).replace("matrix", "vector"), "resultType is vector; allowed: matrix"),
        (refusal("bad_data", "no such metric").decode(), r"status is error \(no such metric\)"),
        (answer([]).replace("success", "maybe"), "status is maybe; allowed: success"),
        (
            answer([("", TARGET, [(1, 1)])]).replace('"__name__": "", ', ""),
            r"a series has no __name__; save answers of a metric itself, not of rate\(\)",
        ),
    ],
)
def test_a_saved_answer_of_another_kind_is_a_sentence(
    tmp_path: Path, text: str, sentence: str
) -> None:
    file = tmp_path / DAY / "vllm-0001.json"
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(AssertionError, match=sentence):
        metrics(tmp_path, tmp_path).run(DAY)


def test_an_unknown_query_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="vlm is no query; allowed: vllm, sglang"):
        metrics(tmp_path, tmp_path, queries=["vlm"])
