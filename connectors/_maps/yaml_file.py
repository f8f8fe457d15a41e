"""A map's file: what is wrong with it is one sentence that names the key."""

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from connectors._maps.model import MapModel
from connectors._yaml import read_yaml, sentence
from models.errors import ConfigError

T = TypeVar("T", bound=MapModel)


def load_map(file: Path, model: type[T]) -> T:
    """Read a map; what is wrong with it is a ConfigError that names the key."""
    try:
        return model.model_validate(read_yaml(file, "no such map"))
    except ValidationError as error:
        raise ConfigError(f"{file.name}: {sentence(error, model)}") from None
