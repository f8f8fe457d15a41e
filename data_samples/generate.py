"""Writes the sample company. The same arguments give the same bytes; the defaults, the committed.

python data_samples/generate.py [--out DIR] [--seed N] [--attempts N] [--days N] [--no-truth]
                                [--bill NAME]
"""

import argparse
import shutil
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from larkspur import api_bills, aws_bill, aws_files, bills, spans, totals
from larkspur.company import SAMPLE, SAMPLE_ATTEMPTS, SEED, Period
from larkspur.draws import Draws
from larkspur.fleet import fleet
from larkspur.lifecycle import LIFECYCLE_COLUMNS, lifecycle_rows
from larkspur.traffic import traffic
from larkspur.truth import write_truth
from larkspur.writing import write_rows

FOLDERS = ("aws_cur2", "aws_cur2_csv", "openai", "runpod", "otel", "node_lifecycle")


@dataclass(frozen=True)
class Bills:
    """Everything the vendors deliver, before it is written."""

    production: list[aws_bill.Execution]
    development: list[aws_bill.Execution]
    tokens: pl.DataFrame


def write_bills(attempts: pl.DataFrame, period: Period, draws: Draws, out: Path) -> Bills:
    written = Bills(
        aws_bill.production_executions(period, draws),
        aws_bill.development_executions(period, draws),
        api_bills.billed_tokens(attempts),
    )
    aws_files.write_production_export(written.production, out / "aws_cur2")
    aws_files.write_development_export(written.development, out / "aws_cur2_csv")
    api_bills.write_openai(written.tokens, period, out / "openai")
    api_bills.write_runpod(period, draws, out / "runpod")
    return written


def write_telemetry(
    attempts: pl.DataFrame, period: Period, draws: Draws, out: Path
) -> dict[str, int]:
    """Rows delivered by source."""
    days = lifecycle_rows(fleet(period, draws), period)
    for day, rows in days.items():
        write_rows(LIFECYCLE_COLUMNS, rows, out / "node_lifecycle" / f"{day}.csv")
    delivered = spans.write_spans(attempts, period, draws, out / "otel")
    return {"traces": delivered, "nodes": sum(len(rows) for rows in days.values())}


def write_sample(out: Path, attempts: int, days: int, seed: int, with_truth: bool = True) -> None:
    """Writes every file of the sample company under `out`, replacing the folders that it owns."""
    period, draws = Period(SAMPLE.first, days), Draws(seed)
    for folder in FOLDERS:
        shutil.rmtree(out / folder, ignore_errors=True)
    frame = pl.concat(traffic(attempts, days, seed))
    written = write_bills(frame, period, draws, out)
    delivered = write_telemetry(frame, period, draws, out)
    sums = totals.aws_totals("aws_prod", written.production) + totals.aws_totals(
        "aws_dev", written.development
    )
    sums += totals.openai_totals(api_bills.cost_lines(written.tokens))
    sums += totals.runpod_totals(api_bills.pod_hours(fleet(period, draws)))
    totals.write_totals(sums + bills.write_all(period, draws, out), delivered, out)
    if with_truth:
        write_truth(
            frame, period, draws, written.production, written.development, sums, out / "truth"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent, help="folder to write into"
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument(
        "--attempts", type=int, default=SAMPLE_ATTEMPTS, help="about how many calls of a model"
    )
    parser.add_argument("--days", type=int, default=SAMPLE.days, help="days from 2026-10-01")
    parser.add_argument(
        "--no-truth", dest="truth", action="store_false", help="leave out the true costs"
    )
    parser.add_argument("--bill", help="write only what larkspur/bills/NAME.py writes")
    given = parser.parse_args()
    if given.bill:
        period, draws = Period(SAMPLE.first, given.days), Draws(given.seed)
        written = bills.write_one(given.bill, period, draws, given.out)
        totals.write_totals(written, {}, given.out, keep=True)
        return
    write_sample(given.out, given.attempts, given.days, given.seed, given.truth)


if __name__ == "__main__":
    main()
