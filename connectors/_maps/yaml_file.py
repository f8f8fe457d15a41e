"""A map's file: what is wrong with it is one sentence that names the key."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from connectors._maps.model import MapModel
from models.errors import ConfigError

T = TypeVar("T", bound=MapModel)

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


def load_map(file: Path, model: type[T]) -> T:
    """Read a map; what is wrong with it is a ConfigError that names the key."""
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), _Loader)
        return model.model_validate(content)
    except FileNotFoundError:
        raise ConfigError(f"{file}: no such map") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{file.name}{line}: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{file.name}: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        raise ConfigError(f"{file.name}: {_sentence(error, model)}") from None


def _sentence(error: ValidationError, model: type[MapModel]) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        allowed = ", ".join(_allowed_keys(model, first["loc"][:-1]))
        return f"{where}: unknown key; allowed: {allowed}"
    if first["type"] == "missing":
        return f"{where}: is missing"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] != "value_error":
        shown = f" (found {first['input']!r})" if isinstance(first["input"], str | int) else ""
        message = message[0].lower() + message[1:] + shown
    return f"{where}: {message}" if where else message


def _allowed_keys(model: type[MapModel], location: tuple[int | str, ...]) -> list[str]:
    """Return the keys of the model that stands at a place of the map."""
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
