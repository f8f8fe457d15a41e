"""Prices of a user's own contracts, with dates: they price use that no bill puts a cost on."""

import re
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from models.base import Dated, Name
from models.currencies import ISO_4217
from models.globs import globs_meet
from models.tables import TOKEN_TYPES


def _known_currency(code: str) -> str:
    if code not in ISO_4217:
        raise ValueError(f"{code!r} is not an ISO 4217 code like USD")
    return code


def _exact_price(price: object) -> Decimal:
    """Refuse a float: YAML has already lost digits of it."""
    if not isinstance(price, str) or not re.fullmatch(r"\d{1,12}(\.\d{1,12})?", price):
        raise ValueError(
            f'{price!r} is not a decimal number in quotes, like "2.49", with at most 12 decimals'
        )
    return Decimal(price)


Currency = Annotated[str, AfterValidator(_known_currency)]
Price = Annotated[
    Decimal,
    BeforeValidator(_exact_price, json_schema_input_type=str),
]


class RateCardLine(Dated):
    """The price that a contract says for one unit of a vendor's use.

    It prices use that the vendor bills without saying its cost, and, with a model and a token
    type, the estimate of an API call. `sku` and `region` are globs; what a line leaves out it does
    not restrict. Two lines that could price the same use on the same day are an error.
    """

    id: Name = Field(description="Stands in every charge that it prices as sku_price_id.")
    provider: Name = Field(
        description="FOCUS ServiceProviderName, as the vendor's charges have it."
    )
    sku: Name = Field("*", description="Glob of the vendor's own sku_id.")
    model: Name | None = Field(None, description="Glob of the vendor's own name of a model.")
    token_type: Name | None = Field(
        None, description="Token bucket.", json_schema_extra={"enum": [*TOKEN_TYPES, None]}
    )
    service_tier: Name | None = Field(None, description="standard, batch, flex, priority, …")
    pricing_category: Literal["Standard", "Dynamic", "Committed", "Other"] | None = None
    region: Name | None = Field(None, description="Glob of region_id.")
    unit: Name = Field(description="The unit of the use, or a power of ten of it: 1000000 Tokens.")
    price: Price = Field(description='Of one unit, in quotes: "2.49".')
    currency: Currency = Field(description="ISO 4217 code.")

    @model_validator(mode="after")
    def _check_meter(self) -> Self:
        if self.token_type and self.token_type not in TOKEN_TYPES:
            raise ValueError(
                f"token_type is {self.token_type!r}; allowed: {', '.join(TOKEN_TYPES)}"
            )
        if not re.fullmatch(r"1(0{1,9})?", str(self.block)):
            raise ValueError(f"unit is {self.unit!r}; of how many: a power of ten, like 1000")
        return self

    @property
    def block(self) -> int:
        """How many of the consumed unit the price is for."""
        count, _, unit = self.unit.partition(" ")
        return int(count) if count.isdecimal() and unit else 1

    @property
    def consumed_unit(self) -> str:
        """The unit in which the vendor states the use."""
        count, _, unit = self.unit.partition(" ")
        return unit if count.isdecimal() and unit else self.unit

    def competes_with(self, other: "RateCardLine") -> bool:
        """Tell whether some use on some day could be priced by both."""
        same = ("token_type", "service_tier", "pricing_category")
        globs = ("sku", "model", "region")
        return (
            (self.provider, self.consumed_unit) == (other.provider, other.consumed_unit)
            and self.overlaps(other)
            and all(
                None in (pair := (getattr(self, name), getattr(other, name))) or pair[0] == pair[1]
                for name in same
            )
            and all(
                globs_meet(getattr(self, name) or "*", getattr(other, name) or "*")
                for name in globs
            )
        )
