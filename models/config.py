"""What a user configures in unitledger.yml: frozen, and an unknown key is an error.

Nothing here reads a file: `pipelines.settings` loads the YAML and says what is wrong with it.
"""

from collections.abc import Mapping
from itertools import combinations
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.attribution import (
    MEASURES,
    Dimensions,
    Driver,
    Pool,
    Rule,
    TokenWeights,
)
from models.base import Dated, Frozen, Name
from models.cost_drivers import CostDriverRule, PathRule
from models.economics import Economics
from models.guardrails import Guardrails
from models.rate_cards import Currency, RateCardLine

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


class Attribution(Frozen):
    """How costs find their users."""

    attributes: Mapping[str, tuple[Name, ...]] = Field(
        default_factory=lambda: dict(DEFAULT_ATTRIBUTES),
        description="Telemetry attributes that name each entity, in order of precedence.",
        json_schema_extra={"propertyNames": {"enum": list(DEFAULT_ATTRIBUTES)}},
    )
    model_aliases: tuple[ModelAlias, ...] = ()
    token_weights: tuple[TokenWeights, ...] = Field((), description="The first match wins.")
    dimensions: Dimensions = Dimensions()
    pools: tuple[Pool, ...] = Field((), description="The first whose `when` matches wins.")
    platform_owner: Name | None = Field(
        None, description="Team that answers for capacity that no pool asked for."
    )
    drivers: Mapping[Name, Driver] = Field(
        default_factory=dict, description="Measures that shared rules can name."
    )
    rules: tuple[Rule, ...] = Field((), description="The first match wins.")
    cost_drivers: tuple[CostDriverRule, ...] = Field(
        (), description="What kind of cost a charge is. The first match wins, then shipped rules."
    )
    paths: tuple[PathRule, ...] = Field(
        (), description="Hot, warm or cold work. The first match wins."
    )

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

    @model_validator(mode="after")
    def _check_drivers(self) -> Self:
        for name in self.drivers:
            if name in MEASURES:
                raise ValueError(f"drivers.{name}: this is a measure's own name; choose another")
        allowed = (*MEASURES, *self.drivers)
        for rule in self.rules:
            if rule.driver and rule.driver not in allowed:
                raise ValueError(
                    f"rules: {rule.id} names the driver {rule.driver}; "
                    f"allowed: {', '.join(allowed)}"
                )
        return self

    @model_validator(mode="after")
    def _check_pools(self) -> Self:
        for one, other in combinations(self.pools, 2):
            if one.pool == other.pool and one.overlaps(other):
                raise ValueError(f"pools: {one.pool} is there twice on the same days")
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
    economics: Economics = Economics()
    guardrails: Guardrails = Guardrails()

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
