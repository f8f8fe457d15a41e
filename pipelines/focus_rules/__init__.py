"""Rules on the money of FOCUS files: what must hold so that their sums can be trusted.

The rules are in `rules.yml`, each with what it protects. The official validator checks the shape of
a file; most of these are about amounts, which it does not check.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from models.errors import ConfigError
from pipelines.focus_rules._data import ROW_NAMES, open_files
from pipelines.focus_rules._rules import COLUMN_KINDS, RULES, Rule
from pipelines.reports import Report

__all__ = [
    "COLUMN_KINDS",
    "RULES",
    "Checked",
    "Finding",
    "Rule",
    "check_files",
    "check_table",
    "explained",
    "found",
]


@dataclass(frozen=True)
class Finding:
    """A rule that does not hold: in how many rows, or groups of rows, and one of them in words."""

    rule: Rule
    rows: int
    example: str


@dataclass(frozen=True)
class Checked:
    """What was checked: charges, rules that could be, and those that do not hold."""

    charges: int
    rules: int
    findings: tuple[Finding, ...]


def check_files(files: Sequence[Path]) -> Checked:
    """Check FOCUS files (CSV or Parquet, of one version) together, as one set of charges."""
    with duckdb.connect() as connection:
        try:
            names = open_files(connection, files)
            return _check(connection, names)
        except duckdb.Error as error:
            first = str(error).strip().splitlines()[0]
            raise ConfigError(f"{files[0]}: cannot be read as FOCUS charges: {first}") from None


def check_table(connection: duckdb.DuckDBPyConnection, table: str) -> Checked:
    """Check a table of FOCUS charges."""
    return _check(connection, open_files(connection, table))


def _check(connection: duckdb.DuckDBPyConnection, names: frozenset[str]) -> Checked:
    rules = [rule for rule in RULES if rule.applies(names)]
    findings = [
        *_row_findings(connection, [rule for rule in rules if rule.where], names),
        *_query_findings(connection, [rule for rule in rules if rule.query]),
    ]
    order = {rule.id: number for number, rule in enumerate(RULES)}
    charges = connection.execute("select count(*) from focus").fetchall()[0][0]
    findings.sort(key=lambda finding: order[finding.rule.id])
    return Checked(charges, len(rules), tuple(findings))


def _row_findings(
    connection: duckdb.DuckDBPyConnection, rules: list[Rule], names: frozenset[str]
) -> Iterator[Finding]:
    """Count all rules in one pass over the charges; look for an example where one does not hold."""
    conditions = [rule.condition(names) for rule in rules]
    counts = ", ".join(f"count(*) filter (where {condition})" for condition in conditions)
    counted = connection.execute(f"select {counts} from focus").fetchall()[0]
    for rule, condition, rows in zip(rules, conditions, counted, strict=True):
        if rows:
            yield Finding(rule, rows, _example(connection, rule, condition, names))


def _example(
    connection: duckdb.DuckDBPyConnection, rule: Rule, condition: str, names: frozenset[str]
) -> str:
    """Say where the first such row is, and what it holds in the columns of the rule."""
    row = _first(connection, f"select * from focus where {condition} limit 1")
    broken = next(
        (
            single
            for single in rule.conditions(names)
            if _first(
                connection,
                f"select 1 from focus where file = $file and row = $row and ({single.sql})",
                {"file": row["file"], "row": row["row"]},
            )
        ),
    )
    cells = {name: row[name] for name in broken.columns}
    return f"{Path(row['file']).name} row {row['row']}: {_cells(cells)}"


def _query_findings(connection: duckdb.DuckDBPyConnection, rules: list[Rule]) -> Iterator[Finding]:
    for rule in rules:
        rows = connection.execute(f"select count(*) from ({rule.query})").fetchall()[0][0]
        if rows:
            yield Finding(rule, rows, _cells(_first(connection, f"from ({rule.query}) limit 1")))


def _first(
    connection: duckdb.DuckDBPyConnection, query: str, values: dict[str, Any] | None = None
) -> dict[str, Any]:
    cursor = connection.execute(query, values or {})
    names = [item[0] for item in cursor.description or []]
    row = cursor.fetchone()
    return dict(zip(names, row, strict=True)) if row else {}


def _cells(row: dict[str, Any]) -> str:
    shown = {name: value for name, value in row.items() if name not in ROW_NAMES}
    return ", ".join(
        f"{name}={'NULL' if value is None else value}" for name, value in shown.items()
    )


def explained() -> Report:
    """Return what each rule protects, as a table for people."""
    return Report(
        f"{len(RULES)} rules", ["rule", "protects"], [[rule.id, rule.protects] for rule in RULES]
    )


def found(checked: Checked) -> Report:
    """Return what does not hold, as a table for people."""
    findings = checked.findings
    title = f"{checked.charges} charges, {checked.rules} of {len(RULES)} rules apply: " + (
        f"{len(findings)} do not hold" if findings else "all hold"
    )
    rows = [[item.rule.id, item.rows, item.rule.protects, item.example] for item in findings]
    return Report(title, ["rule", "rows", "protects", "example"], rows)
