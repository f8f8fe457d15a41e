"""What a landed delivery is: kept as manifest.json beside the vendor's bytes."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class DeliveredFile(BaseModel):
    """One file of a delivery, as the vendor sent it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    size: int
    sha256: str


class Manifest(BaseModel):
    """A delivery: what fills one slot of one source, in one version.

    `order` sorts the versions of a slot: the greatest is in force, whatever the order of arrival.
    `version` is the vendor's own name for it and part of every row's `x_delivery_id`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    connector: str
    slot: str
    version: str
    order: str
    billing_period: str | None = None
    request: dict[str, Any] = {}
    files: tuple[DeliveredFile, ...]

    @property
    def delivery_id(self) -> str:
        return f"{self.source}/{self.slot}/{self.version}"
