"""The records of a JSON document, flat: `data[].line_items[]`, `costs{}`.

`name[]` goes through a list, `name{}` through an object; a `?` at the end lets it be absent. A
record's nested values have dotted names (`attributes.project`), those around it start with `$.`
(`$.currency`, `$.data.date`), and the keys of the first object on the way are the column `key_1`,
those of the next `key_2`, of the last also `key`. A value that is no object is the column `value`.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from models.errors import ContractError

Row = dict[str, str | None]
_SEGMENT = re.compile(r"(?P<name>[^.\[\]{}?]*)(?P<many>\[\]|\{\})?(?P<optional>\?)?")


def segments(path: str) -> list[re.Match[str]]:
    """Split a path; a ValueError says what is wrong with it."""
    found = [_SEGMENT.fullmatch(part) for part in path.split(".")] if path else []
    if any(match is None or not match.group() for match in found):
        raise ValueError(f"{path!r} is not a path such as data[].line_items[] or costs{{}}")
    return [match for match in found if match is not None]


def records(document: Any, path: str, file: str) -> Iterator[Row]:
    """Yield the records of a document; a ContractError says what it lacks."""
    yield from _walk(document, segments(path), {}, "$", file)


def _walk(
    value: Any, left: list[re.Match[str]], outer: Row, place: str, file: str
) -> Iterator[Row]:
    if not left:
        yield outer | (flat(value) if isinstance(value, dict) else {"value": _text(value)})
        return
    name, many = left[0]["name"], left[0]["many"]
    if name:
        if not isinstance(value, dict):
            raise ContractError(f"{file}: {place} is not an object with {name!r}")
        others = {key: other for key, other in value.items() if key != name}
        outer = outer | {f"{place}.{key}": text for key, text in flat(others).items()}
        value, place = value.get(name), f"{place}.{name}"
    if value is None and left[0]["optional"]:
        return
    depth = 1 + sum(column.startswith("key_") for column in outer)
    for key, child in _children(value, many, place, file):
        named: Row = {} if key is None else {f"key_{depth}": key, "key": key}
        yield from _walk(child, left[1:], outer | named, place, file)


def _children(
    value: Any, many: str | None, place: str, file: str
) -> Iterator[tuple[str | None, Any]]:
    if many == "[]":
        if not isinstance(value, list):
            raise ContractError(
                f"{file} has no list {place}: it is not an answer, or not all of it"
            )
        yield from ((None, child) for child in value)
    elif many == "{}":
        if not isinstance(value, dict):
            raise ContractError(f"{file} has no object {place}: it is not an answer of this vendor")
        yield from value.items()
    elif value is None:
        raise ContractError(f"{file} has no {place}: it is not an answer, or not all of it")
    else:
        yield None, value


def flat(record: dict[str, Any], prefix: str = "") -> Row:
    """Return an object's values as text; what is nested too, under dotted names."""
    row: Row = {}
    for key, value in record.items():
        row[prefix + key] = _text(value)
        if isinstance(value, dict):
            row |= flat(value, f"{prefix}{key}.")
    return row


def _text(value: Any) -> str | None:
    """Numbers are text already: they are read without ever being a float."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)
