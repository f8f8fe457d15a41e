"""How costs find their users, as configured: dimensions, rules, pools, drivers and token weights.

Everything that can change has dates; the first match wins.
"""

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from models.base import Dated, Frozen, Name
from models.tables import TOKEN_TYPES

Treatment = Literal["direct", "shared", "overhead", "unmatched"]
Measure = Literal["attempts", "tokens", "direct_cost"]
Scope = Literal["invoice", "account", "sub_account", "service", "pool", "company"]
Column = Literal[
    "source",
    "service_name",
    "sub_account_id",
    "resource_id",
    "charge_category",
    "charge_description",
    "commitment_discount_status",
    "x_usage_type",
    "x_operation",
    "x_line_item_type",
    "x_api_key_id",
]
Rate = Annotated[Decimal, Field(ge=0, le=1, max_digits=19, decimal_places=12)]
MEASURES: tuple[str, ...] = get_args(Measure)


class Entities(Frozen):
    """Values of the entities that costs are attributed to."""

    customer: Name | None = None
    feature: Name | None = None
    workflow: Name | None = None
    team: Name | None = None
    model: Name | None = None
    environment: Name | None = None


class Match(Frozen):
    """What a charge must look like. Each is a glob (`*` and `?`); all of them must hold."""

    source: Name | None = None
    service_name: Name | None = None
    sub_account_id: Name | None = None
    resource_id: Name | None = None
    charge_category: Name | None = None
    charge_description: Name | None = None
    commitment_discount_status: Name | None = None
    x_usage_type: Name | None = None
    x_operation: Name | None = None
    x_line_item_type: Name | None = None
    x_api_key_id: Name | None = None
    tags: Mapping[str, Name] = Field(default_factory=dict, description="Tag key to glob of value.")

    @model_validator(mode="after")
    def _check_not_empty(self) -> Self:
        if not self.model_dump(exclude_defaults=True):
            raise ValueError("at least one condition is needed; all charges: {source: '*'}")
        return self


class Lookup(Dated):
    """One place to look for whose a charge is: a tag, a column, or a constant as the last resort.

    What a tag or column says is the answer, or is looked up in a table or among the owners.
    """

    tag: Name | None = Field(None, description="Key of a tag (or label) of the charge.")
    column: Column | None = Field(None, description="Column of the charge.")
    value: Name | None = Field(None, description="A constant: the fallback.")
    table: Name | None = Field(
        None,
        description="CSV file with the columns key, value and, if wanted, valid_from, valid_to.",
    )
    owners: Name | None = Field(
        None, description="Entity of the owners table: its owner is the answer."
    )
    name: Name | None = Field(None, description="What the ledger says of where the value is from.")

    @model_validator(mode="after")
    def _check_place(self) -> Self:
        if sum(place is not None for place in (self.tag, self.column, self.value)) != 1:
            raise ValueError("exactly one of tag, column and value says where to look")
        if self.table and self.owners:
            raise ValueError("table and owners: only one of them can hold the answer")
        if self.value and (self.table or self.owners):
            raise ValueError("a value is the answer itself: leave out table and owners")
        return self

    @property
    def shown_name(self) -> str:
        """The configured name, else one made of what is looked at."""
        place = (self.tag and f"tag {self.tag}") or self.column or f"fallback {self.value}"
        answer = self.table or (self.owners and f"owners of {self.owners}")
        return self.name or (f"{place} in {answer}" if answer else place)


class Rule(Dated):
    """How charges are attributed; of all rules, the first that matches a charge decides."""

    id: Name = Field(description="Stands in every ledger row that the rule made.")
    version: int = Field(1, ge=1, description="Raise it when the rule's meaning changes.")
    when: Match
    set: Entities | None = Field(None, description="Entities that the charge itself tells.")
    treatment: Treatment | None = Field(
        None, description="Without one, tokens and capacity are attributed by telemetry."
    )
    driver: Name | None = Field(
        None,
        description="Of shared only: what a user's share follows: attempts, tokens, direct_cost "
        "(the default) or one of `drivers`.",
    )
    users: Entities | None = Field(None, description="Of shared only: whose use shares the cost.")
    scope: Scope | None = Field(
        None, description="Of overhead only: whose cost shares it (default: account)."
    )
    pool: Name | None = Field(None, description="Pool of capacity that no lifecycle names.")

    @model_validator(mode="after")
    def _check_purpose(self) -> Self:
        if not (self.set or self.treatment or self.pool):
            raise ValueError("a rule needs set, treatment or pool")
        if self.treatment != "shared" and (self.driver or self.users):
            raise ValueError("driver and users belong to treatment: shared")
        if self.treatment != "overhead" and self.scope:
            raise ValueError("scope belongs to treatment: overhead")
        if self.scope == "pool" and not self.pool:
            raise ValueError("scope: pool needs the pool that shares the cost")
        return self

    @property
    def shared_driver(self) -> str | None:
        """What the shares of a shared charge follow; None where nothing is shared."""
        return (self.driver or "direct_cost") if self.treatment == "shared" else None

    def hash_with(self, driver: "Driver | None") -> str:
        """Return a hash of what the rule means, not of when: one that ends changes no history."""
        meaning = self.model_dump_json(exclude_defaults=True, exclude={"valid_from", "valid_to"})
        if driver:
            meaning += driver.model_dump_json(exclude_defaults=True)
        return hashlib.sha256(meaning.encode()).hexdigest()[:16]


Seconds = Annotated[int, Field(ge=0, le=86_400)]


class Abandonment(Frozen):
    """How fast waiting users leave, by your own abandonments: a rate with its interval."""

    per_second: Rate = Field(description="Of those that wait, the part that leaves each second.")
    low: Rate = Field(description="Lower end of its interval.")
    high: Rate = Field(description="Upper end of its interval.")
    grace_s: Seconds = Field(0, description="Seconds that nobody minds.")

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if not self.low <= self.per_second <= self.high:
            raise ValueError("abandonment: low <= per_second <= high must hold")
        return self


class Scaling(Frozen):
    """What stopping a machine of a pool, and starting it again, takes: for estimates only."""

    cooldown_s: Seconds = Field(300, description="Without a request before it may stop.")
    drain_s: Seconds = Field(30, description="From the decision until it is stopped.")
    warm_up_s: Seconds = Field(300, description="From its start until it serves again.")
    minimum_billing_s: Seconds = Field(60, description="What is billed of a machine at least.")
    abandonment: Abandonment | None = Field(
        None, description="Without it, no revenue at risk is modelled."
    )


class Pool(Dated):
    """Capacity that serves the same requests: which charges pay for it, and who answers for it."""

    pool: Name = Field(description="Its name, as lifecycles say it.")
    when: Match | None = Field(None, description="Charges of it that no lifecycle and rule names.")
    owner: Name | None = Field(None, description="Team that answers for warm idle and starting.")
    minimum_replicas: int = Field(0, ge=0, description="Replicas that are kept without requests.")
    scaling: Scaling = Scaling()


class Driver(Frozen):
    """A measure by which rules share costs: what telemetry counts, or a stream of measures."""

    measure: Measure | None = None
    stream: Name | None = Field(None, description="Name of the measures in allocation_drivers.")
    filter: Mapping[str, Name] = Field(
        default_factory=dict, description="Of a stream: key of its filter to glob of the value."
    )
    within: Literal["attempts", "tokens"] | None = Field(
        None, description="Of a stream: what shares a value among the requests of whom it names."
    )
    fallback: Measure | None = Field(
        None, description="What shares a day of which the stream says nothing; else it is stranded."
    )

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        if (self.measure is None) == (self.stream is None):
            raise ValueError("exactly one of measure and stream says what is measured")
        if self.measure and (self.filter or self.within or self.fallback):
            raise ValueError("filter, within and fallback belong to a stream")
        return self


def _weight(default: int, tokens: str) -> int:
    """Return the field of one token bucket's weight."""
    field: int = Field(default, ge=0, le=10_000, description=f"Of {tokens}.")
    return field


class TokenWeights(Dated):
    """How much work a token is for the capacity that computes it: whole numbers."""

    model: Name = Field(description="Glob of the model.")
    uncached_input: int = _weight(1, "input that was not in the cache")
    cache_read: int = _weight(0, "input that was in the cache")
    cache_write_5m: int = _weight(1, "input that was put into the cache")
    cache_write_1h: int = _weight(1, "input that was put into the cache")
    output: int = _weight(2, "output")
    audio_input: int = _weight(1, "audio input")
    audio_output: int = _weight(2, "audio output")

    @property
    def by_type(self) -> dict[str, int]:
        """The weight of each token bucket."""
        return {token_type: getattr(self, token_type) for token_type in TOKEN_TYPES}


Dimension = Annotated[tuple[Lookup, ...], Field(min_length=1)]


class Dimensions(Frozen):
    """Where to look for whose a charge is, where neither a rule nor a request says it."""

    customer: Dimension | None = None
    feature: Dimension | None = None
    workflow: Dimension | None = None
    team: Dimension | None = None
    model: Dimension | None = None
    environment: Dimension | None = None

    @property
    def lookups(self) -> list[tuple[str, int, Lookup]]:
        """Every lookup with its entity and its position there."""
        return [
            (entity, position, lookup)
            for entity in Entities.model_fields
            for position, lookup in enumerate(getattr(self, entity) or (), start=1)
        ]
