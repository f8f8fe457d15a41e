"""Compare a console's total, or a third tool's, with what the ledger's charges add up to."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import combinations

from models.errors import ConfigError
from pipelines.money import shown
from pipelines.reports import Report
from pipelines.settings import Settings
from pipelines.warehouse import read_published

BASES = ("billed", "effective")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_AMOUNT = re.compile(r"-?(\d{1,3}(,\d{3})+|\d+)(\.\d{1,12})?")
# By charge category.
_Costs = Mapping[str, Decimal]


@dataclass(frozen=True)
class Compared:
    """A stated total beside ours, by charge category and basis (billed, effective)."""

    source: str
    period: str
    currency: str
    basis: str
    stated: Decimal
    costs: Mapping[str, _Costs]

    @property
    def ours(self) -> Decimal:
        return sum(self.costs[self.basis].values(), Decimal(0))

    @property
    def difference(self) -> Decimal:
        """Return ours less the stated; 0 where they agree in the decimals that were stated."""
        return Decimal(0) if self._is_stated(self.ours) else self.ours - self.stated

    @property
    def explanation(self) -> str | None:
        """Return which part of ours, or which other basis, the stated total is, if any."""
        if not self.difference:
            return None
        return next(self._explanations(), None)

    def _is_stated(self, amount: Decimal) -> bool:
        decimals = self.stated.as_tuple().exponent
        return amount.quantize(Decimal(1).scaleb(int(decimals)), ROUND_HALF_UP) == self.stated

    def _explanations(self) -> Iterator[str]:
        for basis in (self.basis, *(other for other in BASES if other != self.basis)):
            costs = self.costs[basis]
            names = sorted(name for name, cost in costs.items() if cost)
            for number in range(len(names)):
                for left_out in combinations(names, number):
                    rest = [cost for name, cost in costs.items() if name not in left_out]
                    if self._is_stated(sum(rest, Decimal(0))):
                        without = f" without {' and '.join(left_out)}" if left_out else ""
                        yield f"what is stated is our {basis} cost{without}"


def compare(
    settings: Settings, given: tuple[str, str, str], currency: str | None, basis: str
) -> Compared:
    """Compare SOURCE, PERIOD and AMOUNT with the published charges."""
    source, period, amount = given
    settings.select(source)
    if not _MONTH.fullmatch(period):
        raise ConfigError(f"--provider-total {period}: is not a month like 2026-10")
    if not _AMOUNT.fullmatch(amount):
        raise ConfigError(f"--provider-total {amount}: is not an amount like 12345.67")
    if basis not in BASES:
        raise ConfigError(f"--basis {basis}: unknown; allowed: {', '.join(BASES)}")
    billed = _billed(settings, source, period)
    code = _currency(f"{source} {period}", billed, currency)
    stated = Decimal(amount.replace(",", ""))
    return Compared(source, period, code, basis, stated, billed[code])


def _billed(settings: Settings, source: str, period: str) -> dict[str, dict[str, _Costs]]:
    """Return what the charges of a period add up to, by currency, basis and category."""
    with read_published(settings) as connection:
        rows = connection.execute(
            "select billing_period, billing_currency, charge_category, sum(billed_cost), "
            "sum(effective_cost) from intermediate.int_charges where source = ? "
            "group by all order by all",
            [source],
        ).fetchall()
    if period not in {row[0] for row in rows}:
        known = ", ".join(sorted({row[0] for row in rows})) or "none"
        reason = "" if rows else "; it bills nothing, or is not the authority for what it bills"
        raise ConfigError(
            f"--provider-total {period}: {source} has no charges of this period; "
            f"known periods: {known}{reason}"
        )
    found: dict[str, dict[str, dict[str, Decimal]]] = {}
    for of_period, currency, category, billed_cost, effective_cost in rows:
        if of_period == period:
            bases = found.setdefault(currency, {basis: {} for basis in BASES})
            bases["billed"][category] = billed_cost
            bases["effective"][category] = effective_cost
    return {currency: dict(bases) for currency, bases in found.items()}


def _currency(where: str, billed: Mapping[str, object], asked: str | None) -> str:
    """Return the currency to compare in: the only one, or the one that was asked for."""
    known = ", ".join(billed)
    if asked is None and len(billed) > 1:
        raise ConfigError(f"{where} is billed in {known}: say which by --currency")
    if asked is not None and asked not in billed:
        raise ConfigError(f"--currency {asked}: {where} is billed in {known}")
    return asked or next(iter(billed))


def report(compared: Compared) -> Report:
    """Return our charges by category, their total, what was stated, and the difference."""
    costs = compared.costs[compared.basis]
    rows: list[list[object]] = [[name, cost] for name, cost in costs.items()]
    rows += [
        ["our total", compared.ours],
        ["stated", compared.stated],
        ["difference", compared.difference],
    ]
    title = f"{compared.source} {compared.period}: {compared.basis} cost, {compared.currency}"
    return Report(title, ["charge_category", "cost"], rows)


def sentence(compared: Compared) -> str:
    """Say by how much a stated total differs, and why where that can be seen."""
    more = "more" if compared.difference > 0 else "less"
    why = f"; {compared.explanation}" if compared.explanation else ""
    return (
        f"{compared.source} {compared.period}: ours is {shown(abs(compared.difference))} "
        f"{compared.currency} {more} than the stated {shown(compared.stated)}{why}"
    )
