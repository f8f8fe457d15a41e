"""Guardrails as configured: what may be spent, how often a call may be repeated, who is told."""

from decimal import Decimal
from itertools import combinations
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from models.base import Dated, Frozen, Name
from models.rate_cards import Currency, Price

BudgetEntity = Literal["all", "customer", "feature", "workflow", "team", "model", "environment"]


def _text(value: object) -> object:
    """Refuse a float: YAML has already lost digits of it."""
    if not isinstance(value, str):
        raise ValueError(f'{value!r} is not a part in quotes, like "0.8"')
    return value


def _part(value: Decimal) -> Decimal:
    if not 0 < value <= 10 or value != round(value, 4):
        raise ValueError(f"{value} is not a part of the budget from 0.0001 to 10, like 0.8")
    return value


Threshold = Annotated[
    Decimal, BeforeValidator(_text, json_schema_input_type=str), AfterValidator(_part)
]


class Budget(Dated):
    """What a value of an entity may cost in each period, everything shared included."""

    id: Name
    entity: BudgetEntity = "all"
    value: Name | None = Field(
        None, description="Which customer, feature, …; `*`: each of them has this budget."
    )
    period: Literal["day", "week", "month", "quarter", "year"] = "month"
    amount: Price
    currency: Currency = Field(description="Only costs billed in this currency are compared.")
    thresholds: tuple[Threshold, ...] = Field(
        (Decimal("0.8"), Decimal(1)), min_length=1, description="Parts of it that are a breach."
    )
    owner: Name | None = Field(None, description="Who answers for it.")

    @model_validator(mode="after")
    def _check_value(self) -> Self:
        if self.entity == "all" and self.value:
            raise ValueError("value: a budget of all has no value; name an entity beside it")
        if self.entity != "all" and not self.value:
            raise ValueError(f'value: which {self.entity}? "*" gives each one this budget')
        if not self.amount:
            raise ValueError("amount: 0 is no budget")
        return self


class Webhook(Frozen):
    """Where failed checks, late sources, budget breaches and anomalies are posted, each once."""

    url_env: Name = Field(description="Environment variable that holds the URL.")
    token_env: Name | None = Field(
        None, description="Environment variable of a token, sent as `Authorization: Bearer …`."
    )


class Guardrails(Frozen):
    """What is watched, and who is told."""

    repeated_calls: int = Field(
        50, ge=1, description="The same call of one run is looping after so many."
    )
    late_after_days: int = Field(
        3, ge=1, description="A source whose newest day is older than this is late."
    )
    budgets: tuple[Budget, ...] = ()
    webhook: Webhook | None = None

    @model_validator(mode="after")
    def _check_budgets(self) -> Self:
        for one, other in combinations(self.budgets, 2):
            if one.id == other.id and one.overlaps(other):
                raise ValueError(f"budgets: {one.id} is there twice on the same days")
        return self
