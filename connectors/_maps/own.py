"""A user's own map: the file that the option `map` names."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationInfo, field_validator

from connectors._maps.model import MapModel
from connectors._maps.yaml_file import load_map
from models.errors import ConfigError

T = TypeVar("T", bound=MapModel)


class MapOption(BaseModel):
    """`map` is a file, relative to the configuration."""

    map: Path | None = None

    @field_validator("map")
    @classmethod
    def _below_configuration(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        folder = Path((info.context or {}).get("folder", ""))
        return folder / value.expanduser() if value else None


def load_own(file: Path | None, model: type[T], check: Callable[[T], None]) -> T:
    """Return a user's map after `check`; what is wrong is a ConfigError that names the file."""
    if file is None:
        no_map()
    map_ = load_map(file, model)
    try:
        check(map_)
    except ConfigError as error:
        raise ConfigError(f"{file.name}: {error}") from None
    return map_


def no_map(*_: Any) -> NoReturn:
    """Do what a connector without its map can do: say that it is missing."""
    raise ConfigError("map: is missing; allowed: a file such as ./my_map.yml")
