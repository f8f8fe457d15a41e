"""What the sample company sent through a gateway, as four logs of it tell it."""

import importlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from connector_samples import SAMPLES, Sample, sample

Row = dict[str, Any]
STATUS = {"ok": "ok", "cached": "cached", "failed": "error", "rejected": "rejected",
          "cut_off": "error"}  # fmt: skip


@pytest.fixture(scope="module")
def truth() -> Mapping[str, Any]:
    """Every attempt, by its request id."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SAMPLES))
        gateway = importlib.import_module("larkspur.gateway")
        draws = importlib.import_module("larkspur.draws").Draws(
            importlib.import_module("larkspur.company").SEED
        )
    return {request.request_id: request for request in gateway.requests(draws)}


@pytest.fixture(scope="module")
def attempts(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Row]]:
    def read(name: str) -> dict[str, Row]:
        """The attempts of a log, by the request's id in the truth."""
        known: Sample = sample(name, tmp_path_factory.mktemp(name))
        assert known.run() == {}
        found: dict[str, Row] = {}
        for row in sorted(known.rows("attempts"), key=lambda row: (row["x_file"], row["x_row"])):
            first = found.setdefault(_request_id(row["span_id"]), row)
            # What one file says of it again, the attempts of a day hold once.
            assert first is row or (first["x_file"], first["attempt_id"], told(first)) == (
                min(first["x_file"], row["x_file"]), row["attempt_id"], told(row)
            )  # fmt: skip
        return found

    return read


def _request_id(span_id: str) -> str:
    parts = span_id.removeprefix("obs-").removeprefix("req-").split("_cache_hit")[0]
    return f"req-{parts}"


def used(request: Any) -> Row:
    """What a request used, where its log can know it."""
    if request.outcome != "ok":
        return dict.fromkeys(("uncached_input", "cache_read", "written", "output"))
    return {
        "uncached_input": request.uncached,
        "cache_read": request.cache_read,
        "written": request.written_5m + request.written_1h,
        "output": request.output,
    }


def told(row: Row) -> Row:
    written = row["cache_write_5m_tokens"]
    return {
        "uncached_input": row["uncached_input_tokens"],
        "cache_read": row["cache_read_tokens"],
        "written": None if written is None else written + row["cache_write_1h_tokens"],
        "output": row["output_tokens"],
    }


def check(rows: Mapping[str, Row], requests: Mapping[str, Any]) -> None:
    """Of every request its outcome, tokens, user and feature; of each operation its attempts."""
    assert set(rows) == set(requests)
    operations: dict[str, set[str]] = {}
    for name, request in requests.items():
        row = rows[name]
        assert row["status"] == STATUS[request.outcome], name
        assert told(row) == used(request), name
        assert (row["customer_id"] or "") == request.customer, name
        assert (row["feature"] or "") == request.feature, name
        assert row["response_model"] == request.model.name, name
        operations.setdefault(request.operation, set()).add(row["inference_id"])
    assert {len(names) for names in operations.values()} == {1}
    assert len(set.union(*operations.values())) == len(operations)


def test_litellms_logs_tell_what_was_sent(
    truth: Mapping[str, Any], attempts: Callable[[str], dict[str, Row]]
) -> None:
    rows = attempts("litellm")
    older = rows.pop("req-older")
    assert (older["uncached_input_tokens"], older["output_tokens"]) == (300, 21)
    check(rows, truth)
    assert all(rows[name]["request_model"] == truth[name].asked.alias for name in truth)
    assert all(
        rows[name]["cache_write_1h_tokens"] == truth[name].written_1h
        for name in truth
        if truth[name].outcome == "ok"
    )


def test_langfuses_export_tells_what_was_sent_but_for_what_was_deleted(
    truth: Mapping[str, Any], attempts: Callable[[str], dict[str, Row]]
) -> None:
    lines = [
        json.loads(line)
        for file in (SAMPLES / "langfuse").rglob("observations*/*.jsonl")
        for line in file.read_text().splitlines()
    ]
    deleted = {_request_id(line["id"]) for line in lines if line["is_deleted"]}
    assert deleted
    # What the gateway's cache answered left no observation, and an error does not say its kind.
    requests = {
        name: request
        for name, request in truth.items()
        if name not in deleted and request.outcome != "cached"
    }
    rows = attempts("langfuse")
    for name in set(requests) & set(rows):
        if requests[name].outcome == "rejected":
            assert rows[name]["status"] == "error"
            rows[name] |= {"status": "rejected"}
    check(rows, requests)


def test_helicones_requests_tell_what_was_sent(
    truth: Mapping[str, Any], attempts: Callable[[str], dict[str, Row]]
) -> None:
    rows = attempts("helicone")
    for name, row in rows.items():
        # A stream that its caller broke off is an error of the caller's.
        assert (row["error_type"] == "-3") == (truth[name].outcome == "cut_off")
    check(rows, truth)


def test_a_proxys_own_log_tells_what_was_sent_by_its_map(
    truth: Mapping[str, Any], attempts: Callable[[str], dict[str, Row]]
) -> None:
    rows = attempts("inhouse_proxy")
    # It knows no cache writes: they are input like any other.
    for row in (row for row in rows.values() if row["status"] == "ok"):
        assert row["cache_write_5m_tokens"] == row["cache_write_1h_tokens"] == 0
    for name, request in truth.items():
        if request.outcome == "ok":
            written = request.written_5m + request.written_1h
            rows[name]["uncached_input_tokens"] -= written
            rows[name]["cache_write_5m_tokens"] = written
    check(rows, truth)
