"""What was planted in the sample company and what it truly cost, as its generator worked it out."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from company import ROOT

TRUTH = ROOT / "data_samples" / "truth"


@dataclass(frozen=True)
class Episode:
    """One line of truth/episodes.csv; without a cost it is only counted."""

    kind: str
    value: str
    resource_id: str
    started_at: datetime
    ended_at: datetime
    cost: Decimal | None
    quantity: Decimal
    unit: str

    def days(self) -> list[date]:
        last = self.ended_at - timedelta(microseconds=1)
        count = (last.date() - self.started_at.date()).days + 1
        return [self.started_at.date() + timedelta(days=number) for number in range(count)]


def episodes(kind: str = "") -> list[Episode]:
    """Return those of a kind, or all."""
    with (TRUTH / "episodes.csv").open(newline="") as file:
        return [
            Episode(
                row["kind"],
                row["value"],
                row["resource_id"],
                _time(row["started_at"]),
                _time(row["ended_at"]),
                Decimal(row["cost"]) if row["cost"] else None,
                Decimal(row["quantity"]),
                row["unit"],
            )
            for row in csv.DictReader(file)
            if kind in ("", row["kind"])
        ]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)


def component(name: str, month: str = "") -> Decimal:
    """What the beta's machines truly cost by component."""
    with (TRUTH / "calls.csv").open(newline="") as file:
        return sum(
            (
                Decimal(row["cost"])
                for row in csv.DictReader(file)
                if row["component"] == name and row["charge_date"].startswith(month)
            ),
            Decimal(0),
        )


def answers() -> Iterator[tuple[str, str, Decimal, dict[str, object]]]:
    """Figures of docs/questions.md: heading, column, value, and the rows that it is the sum of."""
    (early,), (storm,) = episodes("overshoot"), episodes("retry_storm")
    early_ones = "Scaling out too early: minutes until demand uses a machine"
    yield early_ones, "overshoot_cost", _cost(early), {"resource_id": early.resource_id}
    told = {one.unit: one for one in episodes("lag")}
    lost, waiting = told["lost operations"], told["waiting operations"]
    for column, figure in (
        ("lag_ms", told["ms of lag"].quantity),
        ("slo_breaches", told["breaches"].quantity),
        ("lost_operations", lost.quantity),
        ("revenue_at_risk_observed_estimate", _cost(lost)),
        ("revenue_at_risk_modelled_estimate", _cost(waiting)),
    ):
        yield "Scaling too slowly", column, figure, {"need_at": lost.started_at}
    swings = sum(map(_cost, [*episodes("thrash"), *episodes("swap")]), Decimal(0))
    yield "Thrash", "loss_cost_estimate", swings, {"is_thrash": True}
    (unasked,) = episodes("unused_model")
    yield "Retiring old versions", "version_cost", _cost(unasked), {"version": unasked.value}
    retried = {"model": "gpt-4.1-nano"}
    yield "Cost of failed and retried work", "retried_cost", _cost(storm), {**retried}


def _cost(episode: Episode) -> Decimal:
    assert episode.cost is not None
    return episode.cost
