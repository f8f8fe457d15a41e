"""Load unitledger.yml: what is wrong with it is one sentence that names the key."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from connectors import all_connectors
from connectors._base import Connector, Source
from connectors._lake import Lake
from connectors._yaml import hint, read_yaml, sentence
from models.config import Config, SourceConfig
from models.errors import ConfigError
from models.tables import CHARGES, FX_RATES, METERED_USAGE

CONFIG_VARIABLE = "UNITLEDGER_CONFIG"
_IF_MISSING = "no such configuration file; name one with --config FILE"
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
        options = [item.source.options.model_dump() for item in self.sources.values()]
        if self.config.guardrails.webhook:
            options.append(self.config.guardrails.webhook.model_dump())
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
        config = Config.model_validate(read_yaml(file, _IF_MISSING))
    except ValidationError as error:
        raise ConfigError(f"{file.name}: {sentence(error, Config)}") from None
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
            f"{hint(config.connector, list(connectors))}; known: {', '.join(sorted(connectors))}"
        )
    connector = connectors[config.connector]
    try:
        options = connector.options.model_validate(
            config.model_extra or {}, context={"folder": file.parent}
        )
    except ValidationError as error:
        said = sentence(error, connector.options, ("connector", "location"))
        raise ConfigError(f"{where}.{said}") from None
    if connector.configured:
        try:
            connector = connector.configured(options)
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from None
    location = config.location
    if "://" not in location:
        location = os.path.normpath(file.parent / Path(location).expanduser())
    return ConfiguredSource(Source(name, location, options, attributes), connector)
