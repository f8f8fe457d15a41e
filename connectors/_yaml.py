"""YAML that a person writes: what is wrong with it is one sentence that names the key."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from models.errors import ConfigError

# The parser in C is ten times as fast; not every platform has it.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """YAML in which a key may stand only once: the second would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} is there twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def read_yaml(file: Path, if_missing: str) -> object:
    """Read a file; what is wrong with it is a ConfigError, and `if_missing` that none is there."""
    try:
        return yaml.load(file.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise ConfigError(f"{file}: {if_missing}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{file.name}{line}: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{file.name}: {' '.join(str(error).split())}") from None


def sentence(error: ValidationError, root: type[BaseModel], extra: tuple[str, ...] = ()) -> str:
    """Say the first thing that is wrong: where, what, and what is allowed there."""
    first = error.errors(include_url=False)[0]
    location = first["loc"]
    where = ".".join(str(part) for part in location if part != "[key]")
    if first["type"] == "extra_forbidden":
        allowed = [*extra, *_allowed_keys(root, location[:-1])]
        near = hint(str(location[-1]), allowed)
        return f"{where}: unknown key{near}; allowed: {', '.join(allowed)}"
    if first["type"] == "missing":
        return f"{where}: is missing"
    message = first["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if first["type"] != "value_error":
        shown = f" (found {first['input']!r})" if isinstance(first["input"], str | int) else ""
        message = message[0].lower() + message[1:] + shown
    return f"{where}: {message}" if where else message


def hint(word: str, known: list[str]) -> str:
    """Return what was probably meant, to stand behind `word` in a sentence; else nothing."""
    close = get_close_matches(word, known, n=1)
    return f", did you mean {close[0]}?" if close else ""


def _allowed_keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Return the keys of the model that stands at a place of the file."""
    schema = model.model_json_schema()
    node: dict[str, Any] = schema
    for part in location:
        inner = [node, *node.get("anyOf", [])]
        node = next(
            (found for item in inner if (found := _child(schema, item, part)) is not None), {}
        )
    node = next(
        (_resolved(schema, item) for item in [node, *node.get("anyOf", [])] if "$ref" in item), node
    )
    return list(node.get("properties", {}))


def _resolved(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in node:
        resolved: dict[str, Any] = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
        return resolved
    return node


def _child(schema: dict[str, Any], node: dict[str, Any], part: int | str) -> dict[str, Any] | None:
    node = _resolved(schema, node)
    child = (
        node.get("items")
        if isinstance(part, int)
        else node.get("properties", {}).get(part) or node.get("additionalProperties")
    )
    return child if isinstance(child, dict) else None
