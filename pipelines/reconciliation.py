"""Read the published reconciliation. It is a view on the lake: it judges the lake as it is now."""

from dataclasses import dataclass
from decimal import Decimal

import duckdb

from pipelines.money import shown
from pipelines.settings import Settings
from pipelines.warehouse import read_published


@dataclass(frozen=True)
class Step:
    """One step of one source, period and currency: what it should add up to, and does."""

    source: str
    billing_period: str | None
    billing_currency: str | None
    step: str
    expected_cost: Decimal | None
    actual_cost: Decimal | None
    difference: Decimal | None
    error: str | None

    @property
    def holds(self) -> bool:
        return self.error is None and not self.difference

    @property
    def is_awaited(self) -> bool:
        """Whether the vendor stated a total, and nothing was asked for or delivered yet."""
        return self.step == "landed" and self.actual_cost is None and self.error is None


def read_steps(connection: duckdb.DuckDBPyConnection) -> list[Step]:
    """Return marts.cost_reconciliation in its order."""
    columns = ", ".join(Step.__dataclass_fields__)
    rows = connection.execute(f"select {columns} from marts.cost_reconciliation").fetchall()
    return [Step(*row) for row in rows]


def differences(settings: Settings) -> list[str]:
    """Return a sentence for every delivered step that does not add up."""
    with read_published(settings) as connection:
        steps = read_steps(connection)
    return [
        f"{step.source} {step.billing_period} {step.billing_currency}: "
        f"{step.step} differs by {shown(step.difference)}"
        for step in steps
        if step.difference and not step.is_awaited
    ]
