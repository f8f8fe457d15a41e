"""What unit economics are compared with: targets, tiers of models, prices of others, routing rules.

Nothing here moves a cost: marts that read it say what was aimed at, or what might have been.
"""

from decimal import Decimal
from itertools import combinations
from typing import Annotated, Self

from pydantic import Field, model_validator

from models.base import Dated, Frozen, Name

Share = Annotated[Decimal, Field(gt=0, le=1, max_digits=13, decimal_places=12)]


class UtilizationTarget(Dated):
    """The part of paid GPU time in which a pool is meant to work."""

    pool: Name = Field(description="Glob of the pool; the first target that matches holds.")
    target: Share = Field(description="More than 0, at most 1: busy time of paid time.")


class ModelTier(Frozen):
    """Models that could do each other's work; tiers are listed from the largest to the smallest."""

    tier: Name
    models: tuple[Name, ...] = Field(min_length=1, description="Globs of model names.")


class ApiEquivalent(Dated):
    """What a vendor's API asks for the tokens of a model that you serve yourself."""

    model: Name = Field(description="The model that you serve.")
    provider: Name = Field(description="Provider in the price catalogue, such as together.")
    api_model: Name = Field(description="Its name of the model, as the catalogue has it.")


class RoutingRule(Frozen):
    """A what-if: requests of these features would have gone to this model."""

    rule: Name
    feature: Name = Field("*", description="Glob of the feature.")
    from_model: Name = Field("*", description="Glob of the model that answered.")
    to_model: Name


class Economics(Frozen):
    """What marts of utilization and of models compare with."""

    utilization_targets: tuple[UtilizationTarget, ...] = ()
    model_tiers: tuple[ModelTier, ...] = Field((), description="From the largest to the smallest.")
    api_equivalents: tuple[ApiEquivalent, ...] = ()
    routing_rules: tuple[RoutingRule, ...] = Field((), description="Of one rule, the first match.")

    @model_validator(mode="after")
    def _check_tiers(self) -> Self:
        names = [tier.tier for tier in self.model_tiers]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"model_tiers: {name} is there twice; list all its models once")
        return self

    @model_validator(mode="after")
    def _check_equivalents(self) -> Self:
        for one, other in combinations(self.api_equivalents, 2):
            if one.model == other.model and one.overlaps(other):
                raise ValueError(
                    f"api_equivalents: {one.model} is there twice on the "
                    "same days; end one by valid_to"
                )
        return self
