"""Parts of a map's model."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from connectors._base import About

Text = Annotated[str, Field(min_length=1)]


class MapModel(BaseModel):
    """A section of a map: frozen, and an unknown key is an error that names it."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from None
    return text


Pattern = Annotated[str, BeforeValidator(_pattern)]


class AboutSection(MapModel):
    """What a person must know before trusting the map."""

    vendor: Text
    kind: Literal["cloud", "llm", "gpu", "telemetry", "generic"]
    interface: Text
    granularity: Text
    restated: Text
    cannot_tell: Text
    tested_with: Text

    def about(self) -> About:
        return About(**self.model_dump())
