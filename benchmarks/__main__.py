"""Measure everything on generated data and print one table: python -m benchmarks [--attempts N]

Each step runs in a process of its own, and before and after it a bare scan-and-write of Parquet:
what is compared is the ratio, not the seconds of this machine.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks import ROOT
from benchmarks.measure import Finished, run_beside_bare, run_process, run_step

MAX_CUR_ROWS = 1_000_000
MAX_CSV_ROWS = 200_000
# 69 bytes a row as delivered.
MONTH_ROWS = 75_000_000
MAX_SPANS = 300_000
MAX_PRICED = 3_000_000
HISTORIES = (7, 365)
HISTORY_REPEATS = 3
QUESTION_AIM = 0.1
ATTEMPTS = "lake/attempts/*.parquet"


@dataclass(frozen=True)
class Row:
    """One line of the table. Bytes and seconds; a ratio is to the bare scan-and-write."""

    step: str
    rows: int | None
    seconds: float
    peak_memory: int
    ratio: float | None = None
    aim: str = ""
    remark: str = ""
    details: dict[str, Any] | None = None

    def cells(self) -> list[str]:
        rate = self.rows / self.seconds if self.rows else None
        return [
            self.step,
            f"{self.rows:,}" if self.rows else "",
            f"{self.seconds:.1f}",
            f"{rate:,.0f}" if rate else "",
            f"{self.ratio:.1f} ×" if self.ratio else "",
            self.aim,
            f"{self.peak_memory / 1e9:.2f}",
            self.remark,
        ]


HEADINGS = ["step", "rows", "seconds", "rows/s", "bare", "aim", "GB", "remark"]


def cur(folder: Path, attempts: int) -> Iterator[Row]:
    rows = min(attempts, MAX_CUR_ROWS)
    yield _normalize_cur("normalize CUR 2.0", folder, rows)
    csv_rows = min(rows, MAX_CSV_ROWS)
    yield _normalize_cur("normalize CUR 2.0 as csv.gz", folder, csv_rows, "csv", aim="")


def month(folder: Path, attempts: int) -> Iterator[Row]:
    """A month of about 5 GB: minutes, and not measured unless it is asked for."""
    del attempts
    yield _normalize_cur("a month of 5 GB", folder, MONTH_ROWS)


def _normalize_cur(
    step: str, folder: Path, rows: int, format: str = "parquet", aim: str = "≤ 2 ×, < 2 GB"
) -> Row:
    run_step("generate_cur", folder, folder / "cur", rows, format)
    # What is scanned and written barely are the normalized rows, so those must exist.
    run_step("normalize_cur", folder, folder / "cur")
    bare = (folder / "cur", "lake/charges/*.parquet")
    finished = run_beside_bare("normalize_cur", bare, folder, folder / "cur")
    delivered = sum(file.stat().st_size for file in (folder / "cur").glob("export/data/*/*/*"))
    finished.result["remark"] = f"{delivered / 1e9:.2f} GB delivered{_cpu_of_cur(folder, finished)}"
    return _row(step, finished, aim=aim)


def _cpu_of_cur(folder: Path, finished: Finished) -> str:
    """Say the processor time beside that of a bare scan-and-write: of the columns that are written,
    and of those that are read."""
    cpu, written = finished.result["cpu"], finished.result["bare_cpu"]
    said = f"; {cpu:.1f} s of processor time, {cpu / written:.2f} × of the columns written"
    if not list((folder / "cur").glob("export/data/*/*/*.parquet")):
        return said
    each = run_step("bare_cur", folder, folder / "cur").result["each_cpu"]
    finished.result["bare_read_cpu"] = min(each)
    return f"{said}, {cpu / min(each):.2f} × of those read"


def tokens(folder: Path, attempts: int) -> Iterator[Row]:
    lake = folder / "api"
    run_step("generate_lake", folder, lake, attempts, "api")
    finished = run_beside_bare("token_costs", (lake, ATTEMPTS), folder, lake)
    yield _row("token charges, by attempt", finished, aim="≤ 2 ×")


def capacity(folder: Path, attempts: int) -> Iterator[Row]:
    lake = folder / "gpu"
    run_step("generate_lake", folder, lake, attempts, "gpu")
    finished = run_beside_bare("capacity", (lake, ATTEMPTS), folder, lake)
    yield _row("capacity shares, total order", finished, aim="≤ 5 ×, < 2 GB")


def marts(folder: Path, attempts: int) -> Iterator[Row]:
    lake = folder / "mix"
    run_step("generate_lake", folder, lake, attempts, "mix")
    finished = run_beside_bare("marts", (lake, ATTEMPTS), folder, lake)
    yield _row("everything to the marts", finished, aim="≤ 8 ×, < 4 GB")


def spans(folder: Path, attempts: int) -> Iterator[Row]:
    run_step("generate_spans", folder, folder / "otlp", min(attempts, MAX_SPANS))
    finished = run_step("normalize_spans", folder, folder / "otlp")
    yield _row("OTLP/JSON spans", finished, aim="≥ 150,000/s")


def prices(folder: Path, attempts: int) -> Iterator[Row]:
    finished = run_step("prices", folder, folder / "prices", min(attempts, MAX_PRICED))
    yield _row("list prices, by attempt", finished, aim="≥ 1,500,000/s")


def litellm(folder: Path, attempts: int) -> Iterator[Row]:
    """The attempts of `tokens`, a row at a time, by a pricer of the field."""
    lake = folder / "api"
    if not lake.exists():
        run_step("generate_lake", folder, lake, min(attempts, MAX_SPANS), "api")
    yield _row("litellm's cost_per_token, by row", run_step("litellm", folder, lake, attempts))


def history(folder: Path, attempts: int) -> Iterator[Row]:
    """The same day, added to a short history and to a year of so many attempts."""
    a_day = attempts // (max(HISTORIES) + 1)
    measured: dict[int, list[Finished]] = {}
    for days in HISTORIES:
        run_step("write_history", folder, folder / f"history-{days}", days, a_day)
    for _ in range(HISTORY_REPEATS):
        for days in HISTORIES:
            finished = run_step("add_day", folder, folder / f"history-{days}")
            measured.setdefault(days, []).append(finished)
    best = {days: min(runs, key=_cpu_seconds) for days, runs in measured.items()}
    for days, finished in best.items():
        cpu = _cpu_seconds(finished)
        finished.result["remark"] = f"{cpu:.1f} s of processor time"
        row = _row(f"a day of {a_day} added to {days}", finished, aim="")
        if days != HISTORIES[0]:
            ratio = cpu / _cpu_seconds(best[HISTORIES[0]])
            remark = f"{row.remark}, {ratio:.2f} × of a day added to {HISTORIES[0]}"
            row = replace(row, aim="≤ 1.1 × of that", remark=remark)
        yield row


def _cpu_seconds(finished: Finished) -> float:
    return float(finished.result["cpu_seconds"])


def company(folder: Path, attempts: int) -> Iterator[Row]:
    del attempts
    config = str(run_step("configure", folder, folder / "company").result["config"])
    command = [sys.executable, "-m", "pipelines.cli", "run", "--config", config]
    for name, aim in (("sample company, first run", ""), ("again, nothing new", "< 5 s")):
        began = perf_counter()
        memory = run_process(command)
        yield Row(name, None, perf_counter() - began, memory, aim=aim)


def questions(folder: Path, attempts: int) -> Iterator[Row]:
    """Every query of docs/questions.md on a year of 5,000 customers: minutes to write the year."""
    if not (folder / "company" / "warehouse.duckdb").exists():
        list(company(folder, attempts))
    if not (folder / "year" / "warehouse.duckdb").exists():
        run_step("write_year", folder, folder / "company", folder / "year")
    finished = run_step("ask_questions", folder, folder / "year")
    asked = finished.result["questions"]
    cpu = [found["cpu_seconds"] for found in asked.values()]
    above = sum(seconds > QUESTION_AIM for seconds in cpu)
    remark = f"{above} of {len(cpu)} take more than {QUESTION_AIM * 1000:.0f} ms of processor time"
    yield replace(_row("the slowest question", finished, aim="≤ 0.1 s"), remark=remark)
    for heading, found in asked.items():
        remark = f"{found['seconds'] * 1e3:.0f} ms, {found['cpu_seconds'] * 1e3:.0f} of a processor"
        yield Row(heading, found["rows"], found["seconds"], finished.peak_memory, remark=remark)


PARTS: dict[str, Callable[[Path, int], Iterator[Row]]] = {
    part.__name__: part
    for part in (
        *(cur, tokens, litellm, capacity, marts),
        *(spans, prices, company, history, month, questions),
    )
}
BY_DEFAULT = [name for name in PARTS if name not in ("month", "history", "questions")]


def _row(step: str, finished: Finished, aim: str = "") -> Row:
    result = finished.result
    bare_seconds = result.get("bare_seconds")
    return Row(
        step,
        result.get("delivered", result.get("rows")),
        finished.seconds,
        finished.peak_memory,
        finished.seconds / bare_seconds if bare_seconds else None,
        aim,
        result.get("remark", ""),
        result,
    )


def _print_table(rows: list[Row]) -> None:
    table = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    table.insert(1, ["-" * width for width in widths])
    for cells in table:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        print(f"| {' | '.join(padded)} |")


def main() -> None:
    """Measure, print, and keep the figures in benchmarks/last.json."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--attempts", type=int, default=5_000_000)
    parser.add_argument("--only", choices=PARTS, action="append", help="measure only this")
    parser.add_argument("--folder", type=Path, help="where generated data is kept; else forgotten")
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks" / "last.json")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="unitledger-bench-") as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        rows: list[Row] = []
        for name in given.only or BY_DEFAULT:
            print(f"{name} …", file=sys.stderr, flush=True)
            rows += PARTS[name](folder, given.attempts)
    print(f"{given.attempts:,} attempts, {os.cpu_count()} cores, {platform.platform()}\n")
    _print_table(rows)
    given.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
