"""What everything configured has in common: it is frozen, and an unknown key is an error."""

from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(min_length=1)]


class Frozen(BaseModel):
    """Base of everything configured."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Dated(Frozen):
    """Something that holds from one day on, and until the day before another."""

    valid_from: date | None = Field(None, description="First day on which this holds.")
    valid_to: date | None = Field(None, description="First day on which this no longer holds.")

    @model_validator(mode="after")
    def _check_dates(self) -> Self:
        if self.valid_from and self.valid_to and self.valid_to <= self.valid_from:
            raise ValueError("valid_to must be after valid_from; it is the first day left out")
        return self

    def overlaps(self, other: "Dated") -> bool:
        """Tell whether both hold on some day."""
        return (self.valid_from or date.min) < (other.valid_to or date.max) and (
            other.valid_from or date.min
        ) < (self.valid_to or date.max)
