"""What ChatGenius does about its costs, when, and what each measure truly saves.

Periods of 30 days, counted from 1970-01-01: months of different lengths would cost differently
without any measure. Each measure starts on the first day of its period and stays. Prices are
invented, so that every amount is round.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

DAYS = 30
FIRST = date(2026, 5, 7)
LARGE, SMALL = "g5.4xlarge", "g5.xlarge"  # one A10G each: the GPU is the same
ON_DEMAND = {LARGE: Decimal("2.40"), SMALL: Decimal("2.00")}
SPOT = {SMALL: Decimal("0.75")}
PLAN = {SMALL: Decimal("1.20")}  # 40 % under the price on demand
BASELINE = 3  # machines that never stop
MINUTES = 60


@dataclass(frozen=True)
class Setup:
    """How a period of 30 days is run; minutes are of all machines in the whole period."""

    shape: str
    on_demand_minutes: int
    spot_minutes: int
    is_autoscaled: bool
    model: str
    request_ms: int
    has_plan: bool

    def cost(self) -> Decimal:
        """What the machines of the period cost: minutes × price, and nothing else."""
        covered = BASELINE * DAYS * 24 * MINUTES if self.has_plan else 0
        full = (self.on_demand_minutes - covered) * ON_DEMAND[self.shape]
        spot = self.spot_minutes * SPOT.get(self.shape, Decimal(0))
        return (full + spot + covered * PLAN.get(self.shape, Decimal(0))) / MINUTES


@dataclass(frozen=True)
class Measure:
    """A measure, the effect by which a mart should tell it, and the setup from then on."""

    name: str
    effect: str
    setup: Setup


_BEFORE = Setup(LARGE, 6_250 * MINUTES, 0, False, "genius-13b-fp16", 100_000, False)
_SIZED = replace(_BEFORE, shape=SMALL)
_SCALED = replace(_SIZED, on_demand_minutes=5_350 * MINUTES, is_autoscaled=True)
_SPOT = replace(_SCALED, on_demand_minutes=4_150 * MINUTES, spot_minutes=1_200 * MINUTES)
# A request takes 16 % less time, and as many machine hours less are needed.
_QUANTIZED = replace(
    _SPOT,
    on_demand_minutes=3_486 * MINUTES,
    spot_minutes=1_008 * MINUTES,
    model="genius-13b-int8",
    request_ms=84_000,
)
_PLANNED = replace(_QUANTIZED, has_plan=True)

MEASURES = (
    Measure("right-sizing", "shape", _SIZED),
    Measure("autoscaling", "utilization", _SCALED),
    Measure("spot", "purchase_option", _SPOT),
    Measure("quantization", "efficiency", _QUANTIZED),
    Measure("Savings Plan", "commitment", _PLANNED),
)
SETUPS = (_BEFORE, *(measure.setup for measure in MEASURES))


def period_start(number: int) -> date:
    """The first day of a period, the one before any measure being 0."""
    return FIRST + timedelta(days=DAYS * number)


def planted() -> Iterator[tuple[Measure, date, Decimal]]:
    """Each measure, its first day, and by how much its first period is cheaper."""
    for number, measure in enumerate(MEASURES, start=1):
        saved = SETUPS[number - 1].cost() - measure.setup.cost()
        yield measure, period_start(number), saved
