"""Writes the worked case: six periods of 30 days of an invented chatbot, its bills and telemetry,
its configuration, and what each of five measures truly saves. See docs/worked-case.md.

python data_samples/worked_case.py DIR
"""

import argparse
from pathlib import Path

from chat_genius.bill import write_bills
from chat_genius.machines import POOL
from chat_genius.measures import planted
from chat_genius.telemetry import write_telemetry

from larkspur.draws import Draws
from larkspur.writing import write_rows, write_text

CONFIG = f"""\
lake: lake
warehouse: warehouse.duckdb
exports: exports
sources:
  aws: {{connector: aws_cur2, location: aws_cur2}}
  traces: {{connector: otel_genai, location: otel}}
  nodes: {{connector: node_lifecycle, location: node_lifecycle}}
attribution:
  pools:
    - {{pool: {POOL}, owner: genius}}
"""


def write_worked_case(folder: Path) -> None:
    draws = Draws(20_260_507)
    write_bills(folder / "aws_cur2", draws)
    write_telemetry(folder, draws)
    write_text(CONFIG, folder / "unitledger.yml")
    rows = [
        (measure.name, measure.effect, first, f"{saved:f}") for measure, first, saved in planted()
    ]
    write_rows(("measure", "effect", "first_day", "saved_in_30_days"), rows, folder / "planted.csv")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder to write into")
    write_worked_case(parser.parse_args().folder)


if __name__ == "__main__":
    main()
