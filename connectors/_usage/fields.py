"""Fields by name: `metadata.usage.prompt_tokens` in an object, `tags[feature]` in a list of texts.

A name with dots is first looked for as it stands, then through objects. A key that has dots itself
stands behind two colons: `metadata::customer.id`. Where an entity is told, one dot is enough: every
object on the way is tried.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from connectors._maps.expressions import identifier
from connectors._sql import quoted
from models.errors import ConfigError

_TAGGED = re.compile(r"(?P<name>.+)\[(?P<tag>[^\]]+)\]")


@dataclass(frozen=True)
class Field:
    """Where a field's value lies: in a column, in an object of it, or behind a tag in a list."""

    name: str
    path: str
    tag: str | None
    # Whether its keys may have dots that the name does not tell.
    is_guessed: bool

    @property
    def top(self) -> str:
        return re.split(r"\.|::", self.path)[0]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that may hold it: that of its whole name, and the object before the dot."""
        return (self.path,) if self.path == self.top else (self.path, self.top)

    @property
    def paths(self) -> tuple[str, ...]:
        """The JSON paths below its first column."""
        outer, colons, key = self.path.partition("::")
        inner = outer.split(".")[1:]
        ways = [[*inner, key] if colons else inner]
        if self.is_guessed and not colons:
            ways = [[*inner[:at], ".".join(inner[at:])] for at in range(len(inner))]
        return tuple("$." + ".".join(json.dumps(step) for step in way) for way in ways if way)


def field(name: str, is_guessed: bool = False) -> Field:
    """Return what a field's name says."""
    match = _TAGGED.fullmatch(name)
    path, tag = (match["name"], match["tag"]) if match else (name, None)
    return Field(name, path, tag, is_guessed)


def check_names(names: Iterable[str]) -> None:
    """Refuse two fields that DuckDB would take for one; a ConfigError names them."""
    known: dict[str, str] = {}
    for name in sorted(names):
        other = known.setdefault(name.lower(), name)
        if other != name:
            raise ConfigError(f"{other} and {name} differ by the case of letters only: use one")


def columns_needed(names: Iterable[str]) -> list[str]:
    """Return the columns that hold fields, each once, whatever the case of its letters."""
    found: dict[str, str] = {}
    for name in sorted(names):
        for column in field(name).columns:
            found.setdefault(column.lower(), column)
    return list(found.values())


def fields_query(
    names: Iterable[str],
    table: str,
    strict: frozenset[str] = frozenset(),
    guessed: frozenset[str] = frozenset(),
) -> str:
    """Return the query of the fields of a table whose columns are text, JSON where it is nested.

    `x_malformed` names a column of `strict` whose text is no JSON; of others it is no object. Keys
    of the `guessed` fields may have dots.
    """
    fields = [field(name, name in guessed) for name in sorted(names)]
    paths = _paths(fields)
    valid = [f"json_valid({identifier(top)}) as {identifier('is ' + top)}" for top in paths]
    lists = [
        f"json_extract_string(if({identifier('is ' + top)}, {identifier(top)}, null), "
        f"[{', '.join(quoted(path) for path in found)}]) as {identifier('in ' + top)}"
        for top, found in paths.items()
    ]
    malformed = [
        f"when not {identifier('is ' + top)} then {quoted(top)}" for top in paths if top in strict
    ]
    values = [f"{_value(one, paths)} as {identifier(one.name)}" for one in fields]
    broken = f"case {' '.join(malformed)} end" if malformed else "cast(null as varchar)"
    return (
        f"select x_file, x_row, {broken} as x_malformed, {', '.join(values) or '1 as x_none'} "
        f"from (select {', '.join(['*', *lists])} "
        f"from (select {', '.join(['*', *valid])} from {table}))"
    )


def _paths(fields: list[Field]) -> dict[str, list[str]]:
    paths: dict[str, list[str]] = {}
    for one in fields:
        for path in one.paths:
            listed = paths.setdefault(one.top, [])
            if path not in listed:
                listed.append(path)
    return paths


def _value(one: Field, paths: Mapping[str, list[str]]) -> str:
    found = [identifier(one.path)]
    for path in one.paths:
        found.append(f"{identifier('in ' + one.top)}[{paths[one.top].index(path) + 1}]")
    joined = found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"
    value = f"nullif({joined}, '')"
    return value if one.tag is None else _tagged(value, one.tag)


def _tagged(value: str, tag: str) -> str:
    """Of a list such as ["feature:search"], what stands behind the tag and `:` or `=`."""
    listed = f"if(json_type(try_cast({value} as json)) = 'ARRAY', {value}, '[]')"
    starts = " or ".join(f"starts_with(item, {quoted(tag + sign)})" for sign in ":=")
    return (
        f"nullif(trim(substr(list_filter(from_json({listed}, '[\"VARCHAR\"]'), "
        f"lambda item: {starts})[1], {len(tag) + 2})), '')"
    )
