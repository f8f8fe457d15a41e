"""Compare what the official validators said with what they are known to say wrongly."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import yaml

from conformance.files import CLEAN
from conformance.mutations import MUTATIONS
from connectors._sql import quoted

Said = Mapping[str, Mapping[str, int]]
_ALLOWLIST = Path(__file__).with_name("allowlist.yml")


def read_official(folder: Path) -> Said:
    """Return the failing rules of each file, and in how many rows they fail."""
    said: Said = json.loads((folder / "official.json").read_text())
    return said


def read_allowlist() -> dict[str, dict[str, Any]]:
    """Return the rules that are known to fail on correct files."""
    entries = yaml.safe_load(_ALLOWLIST.read_text(encoding="utf-8"))
    return {entry["rule"]: entry for entry in entries}


def failures(folder: Path, said: Said, allowed: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Say what failed and should not, and what is allowed to fail and did not."""
    used: set[str] = set()
    for file, found in said.items():
        if file.startswith("mutated/"):
            continue
        expected = _expected(folder / file, allowed) if file.startswith("1.2/") else {}
        used |= expected.keys()
        for rule in sorted(found.keys() | expected.keys()):
            if found.get(rule, 0) != expected.get(rule, 0):
                yield (
                    f"{file}: {rule} fails in {found.get(rule, 0)} rows, "
                    f"{expected.get(rule, 0)} are known to be right"
                )
    for rule in sorted(allowed.keys() - used):
        yield f"{_ALLOWLIST.name}: {rule} is stale: no file needs it"


def _expected(file: Path, allowed: dict[str, dict[str, Any]]) -> dict[str, int]:
    """Return in how many rows of a correct file each rule fails. One that gathers others fails
    once, where one of these does; it stands after them."""
    expected: dict[str, int] = {}
    for rule, entry in allowed.items():
        if "rows" in entry:
            query = f"select count(*) from {quoted(str(file))} where {entry['rows']}"
            rows = duckdb.execute(query).fetchall()[0][0]
        else:
            rows = int(any(other in expected for other in entry["because"]))
        if rows:
            expected[rule] = rows
    return expected


def seen_by_official(said: Said) -> dict[str, bool | None]:
    """Return of each corruption whether a rule fails that did not, or in other rows; None where
    the official model does not know the version."""
    clean = said[f"mutated/{CLEAN}.parquet"]
    return {
        mutation.name: _is_new(said.get(f"mutated/{number:03}.parquet"), clean)
        for number, mutation in enumerate(MUTATIONS)
    }


def _is_new(found: Mapping[str, int] | None, clean: Mapping[str, int]) -> bool | None:
    if found is None:
        return None
    return any(rows > clean.get(rule, 0) for rule, rows in found.items())
