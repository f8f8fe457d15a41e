"""The list prices of genai-prices, flattened to rows that SQL joins once.

A row holds for one provider, model, request context, day, minute of the day (UTC), size of the
prompt and meter. A meter is a disjoint bucket of tokens (models.tables.TOKEN_TYPES, `reasoning`)
or what else the model is priced by (`requests`, `web_searches`, …): its price is that of the most
specific unit that the model prices and that it belongs to.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from itertools import pairwise, product
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices
    from genai_prices.units import UnitDef, UnitRegistry

PACKAGE = "genai-prices"
# Which of the package's units a token of each of our buckets is.
UNITS = {
    "uncached_input": "input_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write_5m": "cache_write_5m_tokens",
    "cache_write_1h": "cache_write_1h_tokens",
    "output": "output_tokens",
    "reasoning": "output_reasoning_tokens",
    "audio_input": "input_audio_tokens",
    "audio_output": "output_audio_tokens",
}
_TWELVE_DECIMALS = Decimal("1e-12")
_DAY_MINUTES = 24 * 60


class Price(NamedTuple):
    """A price in USD for `per` of a meter; NULL bounds are open, and input_over is left out."""

    provider: str
    model: str
    context: str
    meter: str
    valid_from: date | None
    valid_to: date | None
    minute_from: int
    minute_to: int
    input_over: int | None
    input_up_to: int | None
    price: Decimal
    per: int


class _Cell(NamedTuple):
    """Days and minutes within which nothing changes, and a moment in it."""

    valid_from: date | None
    valid_to: date | None
    minute_from: int
    minute_to: int

    @property
    def moment(self) -> datetime:
        day = self.valid_from or (self.valid_to or date(2026, 1, 1)) - timedelta(days=1)
        return datetime.combine(day, time(), UTC) + timedelta(minutes=self.minute_from)


def package_state() -> tuple[str, str]:
    """Return the version of genai-prices and a hash of its data."""
    data, units = _module("data"), _module("data_units")
    content = hashlib.sha256()
    for module in (data, units):
        assert module.__file__
        content.update(Path(module.__file__).read_bytes())
    return version(PACKAGE), content.hexdigest()[:16]


def _module(name: str) -> ModuleType:
    from importlib import import_module

    return import_module(f"genai_prices.{name}")


def catalog_prices() -> Iterator[Price]:
    """Yield every price of the installed package, in a fixed order."""
    from genai_prices.data_snapshot import get_snapshot

    for provider in get_snapshot().providers:
        for model in provider.models:
            yield from _model_prices(provider, model)


def _model_prices(provider: "Provider", model: "ModelInfo") -> Iterator[Price]:
    units = _units(model)
    for context in contexts(model):
        for cell in _cells(model):
            meters = list(_priced_meters(units, model.get_prices(cell.moment, context)))
            for over, up_to in _prompt_sizes(price for _, _, price in meters):
                for meter, unit, price in meters:
                    yield Price(
                        provider.id, model.id, context_text(context), meter, *cell, over, up_to,
                        exact_price(_price_of_size(price, over)), unit.per,
                    )  # fmt: skip


def exact_price(price: Decimal) -> Decimal:
    """Drop the dust of floats, as in 0.18000000000000002."""
    return price.quantize(_TWELVE_DECIMALS)


def contexts(model: "ModelInfo") -> list[Mapping[str, str]]:
    """Return every combination of what a request can say that changes the model's prices."""
    values: dict[str, list[str | None]] = {}
    for variant in model.price_variants or ():
        for key, value in variant.when.items():
            known = values.setdefault(key, [None])
            known.extend([value] if value not in known else [])
    return [
        {key: value for key, value in zip(values, chosen, strict=True) if value is not None}
        for chosen in product(*values.values())
    ]


def context_text(context: Mapping[str, str]) -> str:
    """Write a context in one way: '' or 'processing=batch' or 'processing=batch;speed=fast'."""
    return ";".join(f"{key}={value}" for key, value in sorted(context.items()))


def _cells(model: "ModelInfo") -> Iterator[_Cell]:
    from genai_prices.types import StartDateConstraint, TimeOfDateConstraint

    conditional = model.prices if isinstance(model.prices, list) else []
    variants = model.price_variants or []
    days: set[date] = set()
    minutes = {0, _DAY_MINUTES}
    found = [item.constraint for item in conditional] + [item.constraint for item in variants]
    for constraint in found:
        if isinstance(constraint, StartDateConstraint):
            days.add(constraint.start_date)
        elif isinstance(constraint, TimeOfDateConstraint):
            minutes |= {_minute(constraint.start_time), _minute(constraint.end_time)}
    bounds = [None, *sorted(days), None]
    for days_of_cell, minutes_of_cell in product(pairwise(bounds), pairwise(sorted(minutes))):
        yield _Cell(*days_of_cell, *minutes_of_cell)


def _minute(moment: time) -> int:
    """The minute of the day in UTC; the package writes whole minutes."""
    utc = datetime.combine(date(2026, 1, 1), moment)
    utc = utc.astimezone(UTC) if utc.tzinfo else utc
    assert utc == utc.replace(second=0, microsecond=0), moment
    return utc.hour * 60 + utc.minute


def _units(model: "ModelInfo") -> Mapping[str, str]:
    """Return the unit of each meter: ours, and whatever else the model is ever priced by."""
    prices = [item.prices for item in model.price_variants or ()]
    if isinstance(model.prices, list):
        prices += [item.prices for item in model.prices]
    else:
        prices.append(model.prices)
    keys = sorted({key for item in prices for key in item.__dict__})
    priced = [_registry().unit_for_price_key(key).usage_key for key in keys]
    return UNITS | {unit: unit for unit in priced if unit not in UNITS.values()}


def _priced_meters(
    units: Mapping[str, str], prices: "ModelPrice"
) -> Iterator[tuple[str, "UnitDef", "Decimal | TieredPrices"]]:
    """Yield each meter with the most specific unit that has a price and that price."""
    registry = _registry()
    priced = [
        (registry.unit_for_price_key(key), value)
        for key, value in prices.__dict__.items()
        if value is not None
    ]
    for meter, usage_key in units.items():
        own = registry.units[usage_key].dimensions.items()
        fitting = [item for item in priced if item[0].dimensions.items() <= own]
        if fitting:
            yield meter, *max(fitting, key=lambda item: len(item[0].dimensions))


@cache
def _registry() -> "UnitRegistry":
    from genai_prices.units import UnitRegistry

    return UnitRegistry(_module("data_units").unit_data)


def _prompt_sizes(
    prices: "Iterable[Decimal | TieredPrices]",
) -> Iterable[tuple[int | None, int | None]]:
    """Return (over, up to): the sizes of a prompt, cached part and all, within which no price of
    the model changes. The size decides the price of every token, not of those beyond it."""
    tiered = [price for price in prices if not isinstance(price, Decimal)]
    starts = sorted({tier.start for price in tiered for tier in price.tiers})
    return pairwise([None, *starts, None])


def _price_of_size(price: "Decimal | TieredPrices", over: int | None) -> Decimal:
    if isinstance(price, Decimal):
        return price
    reached = [tier.price for tier in price.tiers if over is not None and tier.start <= over]
    return reached[-1] if reached else price.base
