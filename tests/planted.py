"""What was planted in the sample company, worked out from the files of its generator alone."""

import csv
import json
from datetime import date
from decimal import Decimal
from functools import cache

import duckdb
from company import ROOT

SAMPLES = ROOT / "data_samples"
TRUTH = SAMPLES / "truth"
MONTH = "2026-10"
# What left a span; what was served of it; and what its span takes for a success.
SEEN = "outcome <> 'untraced'"
SERVED = f"{SEEN} and outcome <> 'rejected'"
ANSWERED = "outcome in ('ok', 'cut_off')"


def _csv(name: str) -> list[dict[str, str]]:
    with (SAMPLES / name).open(newline="") as file:
        return list(csv.DictReader(file))


def _one(sql: str) -> Decimal:
    row = duckdb.sql(sql).fetchone()
    assert row is not None
    return Decimal(str(row[0]))


@cache
def half_digits() -> Decimal:
    """Half the last printed digit of every line that the vendors of traced use delivered."""
    return sum(
        (int(row["lines"]) * Decimal(row["last_digit"]) / 2 for row in _csv("truth/lines.csv")),
        Decimal(0),
    )


def attempts(what: str, where: str = "true", month: str = MONTH) -> Decimal:
    """A figure over the true attempts that ended in a month."""
    return _one(
        f"select {what} from '{TRUTH}/attempts.parquet' "
        f"where strftime(ended_at, '%Y-%m') = '{month}' and ({where})"
    )


def direct_cost(where: str) -> Decimal:
    """Of what is observed; what is not stays unmatched."""
    return attempts("sum(true_direct_cost)", f"is_observed and {where}")


def inferences(where: str) -> Decimal:
    return attempts("count(distinct operation_id)", f"{SEEN} and {where}")


def component(name: str, where: str) -> Decimal:
    """True cost of a component, by day of use."""
    return _one(
        f"select sum(cost) from '{TRUTH}/customer_components.parquet' "
        f"where component like '{name}' and {where}"
    )


@cache
def _aws_bill() -> str:
    """October's last delivery of AWS."""
    folder = SAMPLES / "aws_cur2/data" / f"BILLING_PERIOD={MONTH}"
    return f"{max(path for path in folder.iterdir() if path.is_dir())}/*.parquet"


def aws_lines(column: str, where: str) -> Decimal:
    """The sum of a column of the bill."""
    return _one(f"select sum({column}::decimal(38, 12)) from '{_aws_bill()}' where {where}")


def gpu_seconds(state: str, pool: str, day: date) -> Decimal:
    """Seconds in a state of the machines that the bill's tags count to the pool."""
    return _one(
        f"select sum(milliseconds) / 1000 from '{TRUTH}/states.csv' where state = '{state}' "
        f"and hour::varchar like '{day}%' and resource_id in (select line_item_resource_id "
        f"from '{_aws_bill()}' where resource_tags::varchar like '%{pool}%')"
    )


def control_total(source: str, period: str = MONTH) -> Decimal:
    return sum(
        (
            Decimal(row["billed_cost"])
            for row in _csv("control_totals.csv")
            if (row["source"], row["billing_period"]) == (source, period)
        ),
        Decimal(0),
    )


def invoice(column: str, source: str) -> Decimal:
    (row,) = [row for row in _csv("invoices.csv") if row["source"] == source]
    return Decimal(row[column])


def true_bill(source: str, name: str, period: str = MONTH) -> Decimal:
    (row,) = [
        row
        for row in _csv("truth/sources.csv")
        if (row["source"], row["billing_period"], row["component"]) == (source, period, name)
    ]
    return Decimal(row["cost"])


def euro(month: str) -> Decimal:
    rates = [
        Decimal(row["rate"])
        for row in _csv(f"fx_rates/{month}.csv")
        if (row["from_currency"], row["to_currency"]) == ("EUR", "USD")
    ]
    return (sum(rates, Decimal(0)) / len(rates)).quantize(Decimal("1e-9"))


def revenue(first: date, last: date, **wanted: str) -> Decimal:
    """The part of revenues that these days earn, in dollars."""
    total, rate = Decimal(0), euro(f"{first:%Y-%m}")
    for row in _csv("business/revenue.csv"):
        start, end = (date.fromisoformat(row[name]) for name in ("revenue_from", "revenue_to"))
        days = (min(end, last) - max(start, first)).days
        if days > 0 and all(row[name] == value for name, value in wanted.items()):
            part = Decimal(row["amount"]) * days / (end - start).days
            total += part * (rate if row["currency"] == "EUR" else 1)
    return total


def evaluated(feature: str, model: str, passed: str = "true, false") -> Decimal:
    """Answers of a model in October that were judged, by what was said of them."""
    return _one(
        f"select count(distinct inference_id) from '{SAMPLES}/business/evaluations.csv' "
        f"where is_passed in ({passed}) and inference_id in (select operation_id "
        f"from '{TRUTH}/attempts.parquet' where feature = '{feature}' and model = '{model}' "
        f"and {ANSWERED} and ended_at < '2026-11-01')"
    )


def openai_cost(kind: str) -> Decimal:
    folder = max((SAMPLES / "openai" / MONTH).iterdir())
    cost = Decimal(0)
    for file in folder.glob("costs-*.json"):
        for bucket in json.loads(file.read_text(), parse_float=Decimal)["data"]:
            for result in bucket["results"]:
                if result["line_item"].startswith(kind):
                    cost += Decimal(str(result["amount"]["value"]))
    return cost
