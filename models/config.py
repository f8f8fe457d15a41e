"""What a user configures in unitledger.yml: frozen, and an unknown key is an error.

Nothing here reads a file: `pipelines.settings` loads the YAML and says what is wrong with it.
"""

import hashlib
from collections.abc import Mapping
from itertools import combinations
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.base import Dated, Frozen, Name
from models.rate_cards import Currency, RateCardLine

Treatment = Literal["direct", "shared", "overhead", "unmatched"]
Driver = Literal["attempts", "tokens", "direct_cost"]
# A source's name becomes a folder of the lake and part of an asset's key.
SourceName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]

DEFAULT_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "customer": ("customer.id", "tenant.id", "enduser.id"),
    "feature": ("feature.name",),
    "workflow": ("gen_ai.workflow.name",),
    "team": ("team.name",),
    "environment": ("deployment.environment.name", "deployment.environment"),
    "inference": ("app.operation.id",),
    "api_key": ("openai.api_key_id",),
    "sub_account": ("openai.project_id",),
    "pod": ("k8s.pod.uid",),
}


class SourceConfig(BaseModel):
    """One account to read. Further keys are options of its connector."""

    model_config = ConfigDict(frozen=True, extra="allow")

    connector: Name = Field(description="The vendor's format: a connector's name.")
    location: Name = Field(
        description="A folder (relative to this file), s3://…, az://… or https://…."
    )


class ModelAlias(Dated):
    """Names under which bills and telemetry know one model."""

    model: Name = Field(description="The name that reports show.")
    names: tuple[Name, ...] = Field(min_length=1, description="Every name of it, as written.")


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


class Rule(Dated):
    """How charges are attributed; of all rules, the first that matches a charge decides."""

    id: Name = Field(description="Stands in every ledger row as allocated_method_id.")
    version: int = Field(1, ge=1, description="Raise it when the rule's meaning changes.")
    when: Match
    set: Entities | None = Field(None, description="Entities that the charge itself tells.")
    treatment: Treatment | None = Field(
        None, description="Without one, tokens and capacity are attributed by telemetry."
    )
    driver: Driver | None = Field(
        None, description="Of shared only: what a user's share follows (default: direct_cost)."
    )
    users: Entities | None = Field(None, description="Of shared only: whose use shares the cost.")
    pool: Name | None = Field(None, description="Pool of capacity that no lifecycle names.")

    @model_validator(mode="after")
    def _check_purpose(self) -> Self:
        if not (self.set or self.treatment or self.pool):
            raise ValueError("a rule needs set, treatment or pool")
        if self.treatment != "shared" and (self.driver or self.users):
            raise ValueError("driver and users belong to treatment: shared")
        return self

    @property
    def shared_driver(self) -> Driver | None:
        """What the shares of a shared charge follow; None where nothing is shared."""
        return (self.driver or "direct_cost") if self.treatment == "shared" else None

    @property
    def rule_hash(self) -> str:
        """A hash of everything the rule says."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


class Attribution(Frozen):
    """How costs find their users."""

    attributes: Mapping[str, tuple[Name, ...]] = Field(
        default_factory=lambda: dict(DEFAULT_ATTRIBUTES),
        description="Telemetry attributes that name each entity, in order of precedence.",
        json_schema_extra={"propertyNames": {"enum": list(DEFAULT_ATTRIBUTES)}},
    )
    model_aliases: tuple[ModelAlias, ...] = ()
    rules: tuple[Rule, ...] = Field((), description="The first match wins.")

    @model_validator(mode="after")
    def _check_attributes(self) -> Self:
        for name in self.attributes:
            if name not in DEFAULT_ATTRIBUTES:
                allowed = ", ".join(DEFAULT_ATTRIBUTES)
                raise ValueError(f"attributes.{name}: unknown entity; allowed: {allowed}")
        return self

    @model_validator(mode="after")
    def _check_aliases(self) -> Self:
        known: dict[str, list[ModelAlias]] = {}
        for alias in self.model_aliases:
            for name in alias.names:
                for other in known.setdefault(name, []):
                    if alias.overlaps(other):
                        raise ValueError(
                            f"model_aliases: {name} is both {other.model} and {alias.model}"
                            if other.model != alias.model
                            else f"model_aliases: {name} is listed twice for {alias.model}"
                        )
                known[name].append(alias)
        return self

    @model_validator(mode="after")
    def _check_rules(self) -> Self:
        seen: set[tuple[str, int]] = set()
        for rule in self.rules:
            if (rule.id, rule.version) in seen:
                raise ValueError(f"rules: {rule.id} version {rule.version} is there twice")
            seen.add((rule.id, rule.version))
        return self

    @property
    def precedence(self) -> dict[str, tuple[str, ...]]:
        """The attribute names of every entity: the configured ones, else the defaults."""
        return DEFAULT_ATTRIBUTES | dict(self.attributes)


class Config(Frozen):
    """The whole of unitledger.yml. Relative paths are relative to the file."""

    lake: Name = Field("./lake", description="Folder of deliveries and normalized tables.")
    warehouse: Name = Field("./warehouse.duckdb", description="The marts, published for readers.")
    exports: Name = Field("./exports", description="Folder of what finance receives.")
    invoices: Name | None = Field(None, description="CSV of invoices; without one: provisional.")
    control_totals: Name | None = Field(None, description="CSV of totals that vendors stated.")
    reporting_currency: Currency | None = Field(
        None, description="What every cost is converted to, beside its own currency."
    )
    sources: Mapping[SourceName, SourceConfig] = Field(min_length=1)
    rate_cards: tuple[RateCardLine, ...] = Field((), description="Your contracts' prices.")
    attribution: Attribution = Attribution()

    @model_validator(mode="after")
    def _check_rate_cards(self) -> Self:
        for one, other in combinations(self.rate_cards, 2):
            if one.id == other.id:
                raise ValueError(f"rate_cards: {one.id} is there twice; each line has its own id")
            if one.competes_with(other):
                raise ValueError(
                    f"rate_cards: {one.id} and {other.id} both price {one.provider}, unit "
                    f"{one.consumed_unit}, on the same days; end one by valid_to, or tell them "
                    "apart by sku, model, token_type, service_tier, pricing_category or region"
                )
        return self
