"""The section `api` of a map: what is asked of a billing API, and how it answers."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from connectors._http import Credential, Paging
from connectors.invoice_mapping._records import segments

# What stands in braces in paths, parameters and bodies; beside these, the map's own options.
PLACEHOLDERS = {
    "period": "the billing period, 2026-10",
    "next_period": "the one after it, 2026-11",
    "year": "2026",
    "month": "10",
    "start": "its first instant, 2026-10-01T00:00:00Z",
    "end": "the first instant after it, or the hour that is running",
    "start_date": "its first day, 2026-10-01",
    "end_date": "the first day after it, or tomorrow",
    "last_date": "its last day, or today",
    "start_epoch": "its first instant in seconds since 1970",
    "last_epoch": "its last second, or that of today",
    "each": "a value of an earlier answer",
}
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Secret(_Model):
    """The variable that holds the key, and how it is sent; a scheme of '' sends it alone."""

    env: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
    header: str = "Authorization"
    scheme: str = "Bearer"

    def credential(self, env: str) -> Credential:
        return Credential(env, self.header, self.scheme)


class PagingSection(_Model):
    """How an answer goes on; places in a page are dotted."""

    cursor: str | None = "page"
    token: str | None = None
    has_more: str | None = None
    records: str | None = "data"
    counts: Literal["records", "pages"] = "records"
    first: int = 0

    def paging(self) -> Paging:
        return Paging(**self.model_dump())


class Each(_Model):
    """Ask once for each value of an earlier answer, of the records where columns match."""

    request: str
    records: tuple[str, ...]
    value: str
    where: Mapping[str, str] = Field(default_factory=dict)

    @field_validator("records", mode="before")
    @classmethod
    def _as_list(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("records")
    @classmethod
    def _check(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for path in value:
            segments(path)
        return value


def _texts(value: Any) -> Any:
    return {key: str(text) for key, text in value.items()} if isinstance(value, dict) else value


class Request(_Model):
    """One question; its pages become `<name>-0001.json`, … of the delivery."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    path: str
    params: Annotated[Mapping[str, str], BeforeValidator(_texts)] = Field(default_factory=dict)
    method: Literal["GET", "POST"] = "GET"
    body: Mapping[str, Any] | None = None
    paging: PagingSection | None = None
    each: Each | None = None
    # Of the month that is open, or only of those that are closed.
    only: Literal["open", "closed"] | None = None
    optional: bool = False
    suffix: Literal["json", "csv", "ndjson", "parquet"] = "json"


class Api(_Model):
    """What is asked of a billing API about a month. The location of the source is its base URL."""

    secret: Secret
    headers: Mapping[str, str] = Field(default_factory=dict)
    # What a source may, or must, say of its account: placeholders of that name.
    options: Mapping[Name, str] = Field(default_factory=dict)
    requests: tuple[Request, ...] = Field(min_length=1)

    @field_validator("requests")
    @classmethod
    def _check_each(cls, value: tuple[Request, ...]) -> tuple[Request, ...]:
        earlier: set[str] = set()
        for request in value:
            if request.each and request.each.request not in earlier:
                raise ValueError(
                    f"{request.name}: each.request {request.each.request!r} is no earlier request"
                )
            earlier.add(request.name)
        return value
