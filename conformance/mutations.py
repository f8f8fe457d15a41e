"""Ways in which a file of charges goes wrong, as they are written in mutations.yml."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Mutation:
    """A corruption: its sentence, the SQL that makes it, and the rule of ours that must see it."""

    name: str
    sql: str
    rule: str
    versions: tuple[str, ...]


def _load() -> tuple[Mutation, ...]:
    file = Path(__file__).with_name("mutations.yml")
    given = yaml.safe_load(file.read_text(encoding="utf-8"))
    return tuple(_mutation(item, given["where"]) for item in given["mutations"])


def _mutation(item: Mapping[str, Any], named: Mapping[str, str]) -> Mutation:
    where = named.get(item.get("where", ""), item.get("where"))
    sql = f"update charges set {item['set']} where {where}" if "set" in item else item["sql"]
    for name, condition in named.items():
        sql = sql.replace(f"{{{name}}}", condition)
    versions = tuple(item.get("versions", ("1.2", "1.4")))
    return Mutation(item["name"], sql, item["rule"], versions)


MUTATIONS = _load()
