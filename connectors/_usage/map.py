"""A map of usage: what the fields of a request's record mean, in YAML."""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from connectors._maps.expressions import columns_of
from connectors._maps.model import AboutSection, MapModel, Pattern, Text

# Columns of ATTEMPTS by the entity that stands in them.
ENTITIES = {
    "customer": "customer_id",
    "feature": "feature",
    "workflow": "workflow",
    "team": "team",
    "environment": "environment",
    "inference": "inference_id",
    "api_key": "api_key_id",
    "sub_account": "sub_account_id",
    "pod": "pod_uid",
}
TEXTS = (
    "trace_id", "span_id", "parent_span_id", "workflow_run_id", "conversation_id", "operation_name",
    "provider_name", "request_model", "response_model", "service_tier", "error_type", "http_status",
)  # fmt: skip
TIMES = ("started_at", "ended_at", "first_token_at")
MILLISECONDS = ("duration_ms", "first_token_ms", "queued_ms")
# With what a condition is where the map does not say it.
CONDITIONS = {
    "is_cached": "false",
    "is_error": "false",
    "input_includes_cache_read": "true",
    "input_includes_cache_write": "true",
    "output_includes_reasoning": "true",
}
COUNTS = (
    "input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_5m_tokens",
    "cache_write_1h_tokens", "audio_input_tokens", "output_tokens", "audio_output_tokens",
    "reasoning_tokens",
)  # fmt: skip
KEYS = (*TEXTS, *TIMES, *MILLISECONDS, *CONDITIONS, *COUNTS, "sample_weight")
_NEEDED = ("span_id", "started_at")
# Where a record lies: for logs whose records have no id.
OWN_COLUMNS = ("x_file", "x_row")
# What stands in an object's place for the attributes that the configuration names.
ATTRIBUTES = ".*"
# What stands before a text that no field says, such as the one key that a gateway holds.
CONSTANT = "="


def check_entities(value: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    """Refuse an entity that is none."""
    for name in value:
        if name not in ENTITIES:
            raise ValueError(f"{name}: unknown entity; allowed: {', '.join(ENTITIES)}")
    return value


class Files(MapModel):
    """Which files hold requests, and how."""

    path: Pattern = ""
    format: Literal["csv", "tsv", "json", "jsonl", "parquet"] | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    # The list in a JSON document whose members are the records; without it, the document is one.
    records: Text | None = None


class Time(MapModel):
    """How instants are written: `format` is strptime's, or epoch_seconds, epoch_milliseconds."""

    format: Text | None = None
    zone: Text = "UTC"


class Beside(MapModel):
    """Records in other files, such as traces: `name.field` where `equal` says so."""

    files: Pattern
    # A field of the request's record, and the field of this one that is equal to it.
    equal: Mapping[str, str] = Field(min_length=1, max_length=1)
    # Expressions over its own fields: of several with one id the greatest counts, if it is not
    # deleted.
    newest: Text | None = None
    deleted: Text | None = None
    # How many dates before that of the requests are looked in too.
    days_before: Annotated[int, Field(ge=0, le=31)] = 1

    def expressions(self) -> dict[str, str]:
        """Return its expressions, by their key."""
        found = {"newest": self.newest, "deleted": self.deleted}
        return {key: text for key, text in found.items() if text}


class Retries(MapModel):
    """Attempts of one operation: a retry follows the last one that failed with the same values."""

    # Expressions that are equal in all attempts of an operation.
    within: tuple[Text, ...] = Field(min_length=1)
    # An expression: 0 for the first attempt, more for each that follows.
    number: Text


class Repeats(MapModel):
    """Records that a gateway wrote of its own call inside another: they are none."""

    # Conditions: that a record may be the inner one, or the outer one.
    inner: Text
    outer: Text
    # Expressions that are equal in both; the inner one began and ended within the outer one.
    equal: tuple[Text, ...] = Field(min_length=1)


class UsageMap(MapModel):
    """The whole map. Expressions are DuckDB's, over the record's fields as text."""

    title: Text
    documentation: Text
    about_: AboutSection = Field(alias="about")
    files: Files = Files()
    beside: Mapping[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Beside] = Field(
        default_factory=dict
    )
    time: Time = Time()
    # Fields that a CSV or Parquet file may lack.
    optional: tuple[Text, ...] = ()
    # Texts that are made of fields once, and used as if they were fields.
    let: Mapping[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], str] = Field(
        default_factory=dict
    )
    where: Text | None = None
    # Of records with the same value only one counts: the newest by `newest`, else the last.
    unique: Text | None = None
    newest: Text | None = None
    deleted: Text | None = None
    repeats: Repeats | None = None
    retries: Retries | None = None
    attempts: Mapping[str, str]
    entities: Mapping[str, tuple[Text, ...]] = Field(default_factory=dict)

    @field_validator("entities")
    @classmethod
    def _check_entities(cls, value: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        return check_entities(value)

    @model_validator(mode="after")
    def _check_attempts(self) -> Self:
        for name in self.attempts:
            if name not in KEYS:
                raise ValueError(f"attempts.{name}: unknown key; allowed: {', '.join(KEYS)}")
        for name in _NEEDED:
            if name not in self.attempts:
                raise ValueError(f"attempts.{name}: is missing")
        if (self.newest or self.deleted) and not self.unique:
            raise ValueError("unique: is missing; newest and deleted are about records of one id")
        if self.repeats and "parent_span_id" in self.attempts:
            raise ValueError("repeats and attempts.parent_span_id say the same: use one of them")
        return self

    @property
    def digest(self) -> str:
        """A hash of everything that the map says of the rows."""
        said = self.model_dump_json(exclude={"title", "documentation", "about_"})
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def with_entities(self, entities: Mapping[str, tuple[str, ...]]) -> "UsageMap":
        """Return the map with other fields for some entities."""
        return self.model_copy(update={"entities": {**self.entities, **entities}})

    def expressions(self) -> dict[str, str]:
        """Return every expression over the requests' records, by its place in the map."""
        found = {f"attempts.{name}": text for name, text in self.attempts.items()}
        found |= {f"let.{name}": text for name, text in self.let.items()}
        single = {"where": self.where, "unique": self.unique, "newest": self.newest}
        single |= {"deleted": self.deleted}
        if self.retries:
            single |= {"retries.number": self.retries.number}
            single |= {f"retries.within.{n}": text for n, text in enumerate(self.retries.within)}
        if self.repeats:
            single |= {"repeats.inner": self.repeats.inner, "repeats.outer": self.repeats.outer}
            single |= {f"repeats.equal.{n}": text for n, text in enumerate(self.repeats.equal)}
        return found | {place: text for place, text in single.items() if text}

    def counted(self) -> frozenset[str]:
        """Return the names of fields that token counts are read of."""
        texts = [text for key, text in self.attempts.items() if key in COUNTS]
        found = {name for text in texts for name in columns_of(text, "attempts")}
        for name in found & set(self.let):
            found |= columns_of(self.let[name], "let")
        return frozenset(found)

    def telling(self) -> frozenset[str]:
        """Return the names of fields that tell an entity."""
        named = {name for names in self.entities.values() for name in names}
        fields = (name for name in named if not name.startswith(CONSTANT))
        return frozenset(name.removesuffix(ATTRIBUTES) for name in fields)

    def fields(self) -> frozenset[str]:
        """Return the names of every field that is read of a request's record and beside it."""
        found = set(self.telling())
        found |= {field for beside in self.beside.values() for field in beside.equal}
        for place, text in self.expressions().items():
            found |= columns_of(text, place)
        return frozenset(found - set(self.let) - set(OWN_COLUMNS))
