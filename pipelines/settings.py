"""Load unitledger.yml: what is wrong with it is one sentence that names the key."""

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from connectors import all_connectors
from connectors._base import Connector, Source
from connectors._lake import Lake
from models.config import Config, SourceConfig
from models.errors import ConfigError
from models.tables import CHARGES, FX_RATES, METERED_USAGE

CONFIG_VARIABLE = "UNITLEDGER_CONFIG"
# In the repository; where it was installed from a wheel, among the shared files.
_DBT_PROJECTS = (
    Path(__file__).parent.parent / "dbt",
    Path(sys.prefix) / "share" / "unitledger" / "dbt",
)
DBT_PROJECT = next(
    (folder for folder in _DBT_PROJECTS if (folder / "dbt_project.yml").exists()), _DBT_PROJECTS[0]
)


@dataclass(frozen=True)
class ConfiguredSource:
    """A source and the connector that reads it."""

    source: Source
    connector: Connector

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def is_billing(self) -> bool:
        """Whether it delivers what is billed, by billing period; else telemetry, by day."""
        return not {CHARGES, METERED_USAGE, FX_RATES}.isdisjoint(self.connector.produces)


@dataclass(frozen=True)
class Settings:
    """The configuration with absolute paths and its connectors found."""

    file: Path
    config: Config
    lake: Lake
    warehouse: Path
    exports: Path
    invoices: Path | None
    control_totals: Path | None
    sources: Mapping[str, ConfiguredSource]
    dbt_project: Path = DBT_PROJECT

    @property
    def secret_variables(self) -> frozenset[str]:
        """Names of the environment variables whose values no log may show."""
        options = (item.source.options.model_dump() for item in self.sources.values())
        return frozenset(
            value
            for option in options
            for key, value in option.items()
            if key.endswith("_env") and isinstance(value, str)
        )

    def select(self, name: str | None) -> list[ConfiguredSource]:
        """Return the named source, or all of them. An unknown name is a ConfigError."""
        if name is None:
            return list(self.sources.values())
        if name not in self.sources:
            raise ConfigError(f"{name}: unknown source; configured: {', '.join(self.sources)}")
        return [self.sources[name]]


def default_config_file() -> Path:
    """Return the file that UNITLEDGER_CONFIG names, else unitledger.yml in the current folder."""
    return Path(os.environ.get(CONFIG_VARIABLE) or "unitledger.yml")


def load_settings(file: Path | None = None, dbt_project: Path = DBT_PROJECT) -> Settings:
    """Read and check the configuration; whatever is wrong with it is a ConfigError."""
    file = (file or default_config_file()).absolute()
    try:
        config = Config.model_validate(_read_yaml(file))
    except ValidationError as error:
        raise ConfigError(f"{file.name}: {_sentence(error, Config)}") from None
    folder = file.parent

    def path(text: str) -> Path:
        return Path(os.path.normpath(folder / Path(text).expanduser()))

    return Settings(
        file=file,
        config=config,
        lake=Lake(path(config.lake)),
        warehouse=path(config.warehouse),
        exports=path(config.exports),
        invoices=path(config.invoices) if config.invoices else None,
        control_totals=path(config.control_totals) if config.control_totals else None,
        sources={
            name: _configured_source(file, name, source, config.attribution.precedence)
            for name, source in config.sources.items()
        },
        dbt_project=dbt_project,
    )


def _configured_source(
    file: Path, name: str, config: SourceConfig, attributes: Mapping[str, tuple[str, ...]]
) -> ConfiguredSource:
    connectors = all_connectors()
    where = f"{file.name}: sources.{name}"
    if config.connector not in connectors:
        raise ConfigError(
            f"{where}: unknown connector {config.connector!r}"
            f"{_hint(config.connector, list(connectors))}; known: {', '.join(sorted(connectors))}"
        )
    connector = connectors[config.connector]
    try:
        options = connector.options.model_validate(
            config.model_extra or {}, context={"folder": file.parent}
        )
    except ValidationError as error:
        sentence = _sentence(error, connector.options, ("connector", "location"))
        raise ConfigError(f"{where}.{sentence}") from None
    if connector.configured:
        try:
            connector = connector.configured(options)
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from None
    location = config.location
    if "://" not in location:
        location = os.path.normpath(file.parent / Path(location).expanduser())
    return ConfiguredSource(Source(name, location, options, attributes), connector)


class _Loader(yaml.SafeLoader):
    """YAML in which a key may stand only once: the second would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} is there twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _read_yaml(file: Path) -> object:
    try:
        return yaml.load(file.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise ConfigError(
            f"{file}: no such configuration file; name one with --config FILE"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{file.name}{line}: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{file.name}: {' '.join(str(error).split())}") from None


def _sentence(error: ValidationError, root: type[BaseModel], extra: tuple[str, ...] = ()) -> str:
    """Say the first thing that is wrong: where, what, and what is allowed there."""
    first = error.errors(include_url=False)[0]
    location = first["loc"]
    where = ".".join(str(part) for part in location if part != "[key]")
    if first["type"] == "extra_forbidden":
        allowed = [*extra, *_allowed_keys(root, location[:-1])]
        return f"{where}: unknown key{_hint(str(location[-1]), allowed)}; allowed: " + ", ".join(
            allowed
        )
    if first["type"] == "missing":
        return f"{where}: is missing"
    message = first["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if first["type"] != "value_error":
        shown = f" (found {first['input']!r})" if isinstance(first["input"], str | int) else ""
        message = message[0].lower() + message[1:] + shown
    return f"{where}: {message}" if where else message


def _allowed_keys(root: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Return the keys of the model that stands at a place of the configuration."""
    schema = root.model_json_schema()
    node: dict[str, Any] = schema
    for part in location:
        node = _resolve(schema, node)
        node = (
            node.get("items", {})
            if isinstance(part, int)
            else node.get("properties", {}).get(part) or node.get("additionalProperties", {})
        )
    return list(_resolve(schema, node).get("properties", {}))


def _resolve(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    for candidate in _candidates(node):
        if "$ref" in candidate:
            resolved: dict[str, Any] = schema["$defs"][candidate["$ref"].rsplit("/", 1)[-1]]
            return resolved
    return node


def _candidates(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    yield from node.get("anyOf", [])


def _hint(word: str, known: list[str]) -> str:
    close = get_close_matches(word, known, n=1)
    return f", did you mean {close[0]}?" if close else ""
