"""Files that are the same bytes every time they are written. Decimals stay numbers in JSON, and
never pass a float.
"""

import csv
import gzip
import io
import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path


def number_text(value: Decimal) -> str:
    """A JSON number as API servers print it: 0.25, 12, 1e-06."""
    if not value:
        return "0.0"
    value = value.normalize()
    exponent = value.adjusted()
    if exponent >= -4:
        return f"{value:f}"
    digits = f"{value.scaleb(-exponent):f}"
    return f"{digits}e-{-exponent:02d}"


def to_json(value: object, indent: str = "") -> str:
    """JSON text of dicts, lists, strings, integers, decimals, booleans and None; indent is one."""
    deeper = indent + " "
    if isinstance(value, Decimal):
        return number_text(value)
    if isinstance(value, dict) and value:
        items = [
            f"{deeper}{json.dumps(key)}: {to_json(item, deeper)}" for key, item in value.items()
        ]
        return "{\n" + ",\n".join(items) + "\n" + indent + "}"
    if isinstance(value, list) and value:
        return (
            "[\n"
            + ",\n".join(deeper + to_json(item, deeper) for item in value)
            + "\n"
            + indent
            + "]"
        )
    return json.dumps(value)


def write_json(value: object, path: Path) -> None:
    write_text(to_json(value) + "\n", path)


def write_text(text: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def write_gzip(text: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


def write_rows(columns: Sequence[str], rows: Iterable[Sequence[object]], path: Path) -> None:
    """A CSV file with a header and Unix line ends."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_text(text.getvalue(), path)
