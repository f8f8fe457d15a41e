"""What is measured, each in a process of its own: python -m benchmarks.steps NAME RESULT [ARG …]

A step returns what it measured: at least `seconds`, and `rows` where it handles any.
"""

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

Result = dict[str, Any]

BARE_REPEATS = 2


def bare(folder: str, pattern: str) -> Result:
    """Scan Parquet files and write their rows again, a file at a time: the least there is to do."""
    from connectors._sql import quoted

    files = sorted(Path(folder).glob(pattern))
    scans = [f"select * from read_parquet({quoted(str(file))})" for file in files]
    return _written(Path(folder), scans)


def bare_cur(folder: str) -> Result:
    """Scan the columns of a delivery of CUR 2.0 that are read, and write them again."""
    from benchmarks.normalize import delivered_scans

    return _written(Path(folder), delivered_scans(Path(folder)))


def _written(folder: Path, scans: Sequence[str]) -> Result:
    """Write what each query scans, a file each; the seconds of each time, and its processor's."""
    from benchmarks.measure import cpu_seconds
    from connectors._sql import connect, quoted

    target = folder / "bare.parquet"
    each, cpu = [], []
    for _ in range(BARE_REPEATS):
        began, cpu_began = perf_counter(), cpu_seconds()
        with connect() as connection:
            for scan in scans:
                connection.execute(
                    f"copy ({scan}) to {quoted(str(target))} (format parquet, compression zstd)"
                )
        each.append(perf_counter() - began)
        cpu.append(cpu_seconds() - cpu_began)
    target.unlink(missing_ok=True)
    return {"seconds": sum(each), "each": each, "each_cpu": cpu, "files": len(scans)}


def generate_lake(folder: str, attempts: str, kind: str) -> Result:
    """Write a lake of API calls (`api`), calls of own models (`gpu`) or the company's `mix`."""
    from benchmarks.lake import write_lake

    began = perf_counter()
    rows = write_lake(_emptied(folder), int(attempts), kind)
    return {"seconds": perf_counter() - began, "rows": rows}


def token_costs(folder: str) -> Result:
    """From normalized Parquet to the cost of each attempt."""
    from benchmarks.marts import build_token_costs

    return build_token_costs(Path(folder))


def capacity(folder: str) -> Result:
    """From normalized Parquet to each attempt's share of busy GPU time, and of its cost."""
    from benchmarks.marts import build_capacity_shares

    return build_capacity_shares(Path(folder))


def write_history(folder: str, days: str, attempts_a_day: str) -> Result:
    """Write a lake of so many days and one more, and publish it without the last."""
    from benchmarks import history

    rows = history.write_history(_emptied(folder), int(days), int(attempts_a_day))
    return history.build_history(Path(folder)) | {"rows": rows}


def add_day(folder: str) -> Result:
    """Add the last day: from the index to the exports."""
    from benchmarks.history import add_day

    return add_day(Path(folder))


def litellm(folder: str, attempts: str) -> Result:
    """What the attempts of a lake cost by a pricer of the field, a row at a time."""
    from benchmarks.field import measure

    return measure(Path(folder), int(attempts))


def marts(folder: str) -> Result:
    """From normalized Parquet to the marts, their tests included, in one invocation of dbt."""
    from benchmarks.marts import build_everything

    return build_everything(Path(folder))


def generate_cur(folder: str, rows: str, format: str) -> Result:
    """Write an export of CUR 2.0, and land it; `format` is parquet or csv."""
    from benchmarks.normalize import land, write_cur

    began = perf_counter()
    written = write_cur(_emptied(folder), int(rows), format)
    land(Path(folder), "aws_cur2")
    return {"seconds": perf_counter() - began, "rows": written}


def normalize_cur(folder: str) -> Result:
    """From a landed export to rows in FOCUS columns."""
    from benchmarks.normalize import normalize_again

    return normalize_again(Path(folder), "aws_cur2", "charges")


def generate_spans(folder: str, spans: str) -> Result:
    """Write span files, and land them."""
    from benchmarks.normalize import land, write_some_spans

    began = perf_counter()
    written = write_some_spans(_emptied(folder), int(spans))
    land(Path(folder), "otel_genai")
    return {"seconds": perf_counter() - began, "rows": written}


def normalize_spans(folder: str) -> Result:
    """From landed span files to attempts."""
    from benchmarks.normalize import normalize_again

    return normalize_again(Path(folder), "otel_genai", "attempts")


def prices(folder: str, attempts: str) -> Result:
    """What random attempts of every model would cost at list prices."""
    from benchmarks.prices import measure_prices

    return measure_prices(_emptied(folder), int(attempts))


def write_year(company: str, folder: str) -> Result:
    """Write a warehouse of a year of 5,000 customers and 50 features."""
    from benchmarks.year import write_year

    began = perf_counter()
    result = write_year(Path(company), _emptied(folder))
    return result | {"seconds": perf_counter() - began}


def ask_questions(folder: str) -> Result:
    """Ask every question of docs/questions.md."""
    from benchmarks.questions import ask_questions

    return ask_questions(Path(folder))


def configure(folder: str) -> Result:
    """Write the sample company's configuration with a lake of its own."""
    from benchmarks.lake import write_sample_config

    return {"seconds": 0, "config": str(write_sample_config(_emptied(folder)))}


def _emptied(folder: str) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    Path(folder).mkdir(parents=True)
    return Path(folder)


STEPS: dict[str, Callable[..., Result]] = {
    step.__name__: step
    for step in (
        bare,
        bare_cur,
        generate_lake,
        token_costs,
        capacity,
        marts,
        write_history,
        add_day,
        litellm,
        generate_cur,
        normalize_cur,
        generate_spans,
        normalize_spans,
        prices,
        configure,
        write_year,
        ask_questions,
    )
}


if __name__ == "__main__":
    name, result, *arguments = sys.argv[1:]
    Path(result).write_text(json.dumps(STEPS[name](*arguments)))
