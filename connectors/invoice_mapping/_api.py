"""The HTTP descriptor of a map: what is asked of a billing API."""

from pydantic import BaseModel, ConfigDict


class Api(BaseModel):
    """What is asked of a billing API."""

    model_config = ConfigDict(frozen=True, extra="forbid")
