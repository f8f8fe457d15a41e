"""The command as a user types it: what it prints, and what it says when something is wrong."""

import csv
import io
import json
import re
import sys
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
from company import Company

from pipelines.cli import main

COMMANDS = (
    "run", "summary", "query", "export", "sources", "reconcile", "explain", "vendors", "schema",
)  # fmt: skip


class Typed(NamedTuple):
    """What the command answered."""

    code: int
    out: str
    err: str


Typing = Callable[..., Typed]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typing:
    """Type a command, in this process."""

    def run(*arguments: str) -> Typed:
        monkeypatch.setattr(sys, "argv", ["unitledger", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        code = stopped.value.code
        return Typed(code if isinstance(code, int) else 1, printed.out, printed.err)

    return run


def configured(company: Company) -> tuple[str, str]:
    return ("--config", str(company.config))


# --- help -----------------------------------------------------------------------------------------


def test_the_help_names_every_command(typed: Typing) -> None:
    answer = typed("--help")
    assert answer.code == 0
    for command in COMMANDS:
        assert re.search(rf"\b{command}\b", answer.out)


@pytest.mark.parametrize(
    "command", [name for name in COMMANDS if name not in ("schema", "vendors")]
)
def test_each_command_takes_a_configuration(typed: Typing, command: str) -> None:
    answer = typed(command, "--help")
    assert answer.code == 0
    assert "--config" in answer.out


@pytest.mark.parametrize("command", ["run", "query", "export", "explain"])
def test_the_manual_has_examples(typed: Typing, command: str) -> None:
    assert f"unitledger {command}" in typed(command, "--help").out


# --- what is wrong is one sentence, without a traceback -------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("run", "--config", "none.yml"), r"none\.yml: no such configuration file"),
        (("run", "--period", "October"), "--period October: is not a month like 2026-10"),
        (("run", "--period", "2026-10", "--to", "2026-11"), "--period says it all"),
        (("run", "--from", "2026-11", "--to", "2026-10"), "--from 2026-11 is after --to 2026-10"),
        (("run", "--from", "last week"), "--from last week: is not a month like 2026-10 or a day"),
        (("run", "--source", "asw"), "asw: unknown source; configured: gpu"),
        (("query", "select 1"), r"warehouse\.duckdb: there is no warehouse yet; `unit"),
        (("query", "select 1", "--format", "xml"), "--format xml: unknown; allowed: table, csv"),
        (("summary",), "there is no warehouse yet"),
        (("reconcile",), "there is no warehouse yet"),
        (("export",), "there is no warehouse yet"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    typed: Typing,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    expected: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UNITLEDGER_CONFIG", raising=False)
    (tmp_path / "unitledger.yml").write_text(
        "sources: {gpu: {connector: runpod_billing, location: bills}}\n"
    )
    answer = typed(*arguments)
    assert answer.code == 2
    assert re.search(expected, answer.err)
    assert answer.err.startswith("unitledger: ")
    assert answer.err.count("\n") == 1


@pytest.fixture
def without_marts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run ends after the sources."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setattr("pipelines.execute.is_current", lambda _: True)
    monkeypatch.setattr("pipelines.run.export_all", lambda _: [])


@pytest.mark.usefixtures("without_marts")
def test_a_missing_secret_is_named_and_the_run_fails(
    typed: Typing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    file = tmp_path / "unitledger.yml"
    file.write_text(
        "sources: {llm: {connector: openai_costs, location: 'http://127.0.0.1:9', "
        "admin_key_env: NO_SUCH_KEY}}\n"
    )
    answer = typed("run", "--config", str(file), "--period", "2026-10")
    assert answer.code == 1
    assert "NO_SUCH_KEY" in answer.err
    assert "Traceback" not in answer.err
    assert len([line for line in answer.err.splitlines() if line.startswith("llm")]) == 1


@pytest.mark.usefixtures("without_marts")
def test_a_location_that_is_not_there_is_named_and_the_run_fails(
    typed: Typing, tmp_path: Path
) -> None:
    file = tmp_path / "unitledger.yml"
    file.write_text("sources: {gpu: {connector: runpod_billing, location: nowhere}}\n")
    answer = typed("run", "--config", str(file))
    assert answer.code == 1
    assert str(tmp_path / "nowhere") in answer.err
    assert "Traceback" not in answer.err


# --- a finished run -------------------------------------------------------------------------------


def test_a_query_is_answered_in_full_digits_as_csv(typed: Typing, company: Company) -> None:
    sql = "select x_source as source, sum(billed_cost) as billed_cost from lake.charges group by 1"
    answer = typed("query", sql, "--format", "csv", *configured(company))
    assert answer.code == 0
    rows = list(csv.DictReader(io.StringIO(answer.out)))
    with company.connect() as warehouse:
        expected = warehouse.execute(sql).fetchall()
    assert {row["source"]: Decimal(row["billed_cost"]) for row in rows} == dict(expected)


def test_a_query_is_answered_as_a_table(typed: Typing, company: Company) -> None:
    answer = typed("query", "select 0.10::decimal(38, 12) as cost", *configured(company))
    assert answer.code == 0
    assert "cost" in answer.out
    assert "0.10" in answer.out


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select * from marts.nothing", "Table with name nothing does not exist"),
        ("create table marts.mine as select 1", "read-only"),
        ("delete from meta.build", "read-only"),
    ],
)
def test_a_query_that_cannot_be_answered_is_one_sentence(
    typed: Typing, company: Company, sql: str, expected: str
) -> None:
    answer = typed("query", sql, *configured(company))
    assert answer.code == 2
    assert expected in answer.err
    assert answer.err.count("\n") == 1


def test_the_summary_shows_what_closes_who_costs_most_and_where_the_exports_are(
    typed: Typing, company: Company
) -> None:
    answer = typed("summary", *configured(company))
    assert answer.code == 0
    assert re.search(r"\b(\d+) of \1 steps hold", answer.out)
    assert "Cost by customer, 2026-10" in answer.out
    assert "cust-001" in answer.out
    assert "cost_per_inference" in answer.out
    assert re.search(r"Coverage, 2026-10: \d\d\.\d\d% of USD [\d,.]+ is explained", answer.out)
    exports = re.search(r"Exports: (.+)", answer.out)
    assert exports is not None
    assert Path(exports.group(1)).is_dir()


def test_sources_show_their_last_delivery_and_which_periods_are_final(
    typed: Typing, company: Company
) -> None:
    answer = typed("sources", *configured(company))
    assert answer.code == 0
    [line] = [line for line in answer.out.splitlines() if "aws_prod" in line]
    assert "aws_cur2" in line
    assert "2026-10 final, 2026-11 provisional" in line
    assert "2026-11-03" in line


def test_sources_show_what_could_not_be_read_and_what_came_again(
    typed: Typing, company: Company
) -> None:
    answer = typed("sources", *configured(company))
    headings = re.split(r"\s*\u2503\s*", answer.out.splitlines()[3].strip("\u2503 "))
    lines = [
        re.split(r"\s*\u2502\s*", line.strip("\u2502")) for line in answer.out.splitlines()[5:]
    ]
    shown = {
        line[0].strip(): dict(zip(headings, map(str.strip, line), strict=False))
        for line in lines
        if len(line) == len(headings)
    }
    with company.connect() as warehouse:
        counted = dict(
            warehouse.execute(
                "select x_source, count(*)::varchar from lake.quarantine group by 1"
            ).fetchall()
        )
    assert counted
    assert {
        name: row["quarantined"] for name, row in shown.items() if row["quarantined"]
    } == counted
    # Of the cluster's events two days were kept, weeks apart; the beta rents nothing at weekends.
    assert {name for name, row in shown.items() if row["missing_days"]} == {
        "kubernetes_events",
        "calls_nodes",
    }


def test_reconcile_shows_every_step_and_succeeds(typed: Typing, company: Company) -> None:
    answer = typed("reconcile", *configured(company))
    assert answer.code == 0
    shown = Counter(re.findall(r"\b(landed|normalized|priced|effective|allocated)\b", answer.out))
    assert shown["landed"] == shown["effective"] == shown["allocated"] > 8
    # What a vendor only meters is priced here.
    assert shown["normalized"] + shown["priced"] == shown["landed"]
    assert shown["priced"] > 0


def test_an_export_that_exists_is_not_made_again(typed: Typing, company: Company) -> None:
    answer = typed("export", "--period", "2026-10", *configured(company))
    assert answer.code == 0
    assert re.fullmatch(r"\S+/exports/2026-10/v\d{4}\n", answer.out)


def test_the_schema_is_json(typed: Typing) -> None:
    assert json.loads(typed("schema").out)["title"] == "unitledger.yml"


# --- reconcile judges the lake as it is -----------------------------------------------------------


def test_reconcile_fails_after_one_cent_is_changed_by_hand_in_the_lake(
    typed: Typing, company: Company
) -> None:
    with company.connect() as warehouse:
        listed = warehouse.execute(
            "select file from lake.\"index\" where source = 'aws_dev' and \"table\" = 'charges' "
            "and status = 'current' order by slot limit 1"
        ).fetchone()
    assert listed is not None
    file = company.folder / "lake" / listed[0]
    whole = file.read_bytes()
    changed = file.with_suffix(".changed")
    duckdb.execute(f"""
        copy (
            select * replace (cast(billed_cost + case when row_number() over () = 1 then 0.01 else 0
            end as decimal(38, 12)) as billed_cost) from '{file}'
        ) to '{changed}' (format parquet)
    """)
    try:
        changed.replace(file)
        answer = typed("reconcile", *configured(company))
    finally:
        # Never in place: other tests read the same lake meanwhile.
        changed.write_bytes(whole)
        changed.replace(file)
    assert answer.code == 1
    assert "0.01" in answer.out
    assert "steps do not hold" in answer.err
    assert typed("reconcile", *configured(company)).code == 0
