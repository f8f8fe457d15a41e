"""The price table against genai-prices' own calculation: Decimal against Decimal."""

import random
import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import polars as pl
import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.data_units import unit_data
from genai_prices.types import ConditionalPrice, ModelInfo, Provider, Usage
from genai_prices.units import UnitRegistry

from connectors._lake import Lake
from pipelines import prices as prices_module
from pipelines.price_catalog import UNITS, context_text, contexts
from pipelines.prices import PRICE_SCHEMA, new_prices, priced_model, prices_file, update_prices

EVENTS = 20_000
REGISTRY = UnitRegistry(unit_data)
MODELS = [(provider, model) for provider in get_snapshot().providers for model in provider.models]
CONDITIONAL = [
    item for item in MODELS if isinstance(item[1].prices, list) or item[1].price_variants
]
# Each meter's unit, and all units that include it.
INCLUDING = {
    meter: [
        key
        for key, unit in REGISTRY.units.items()
        if unit.dimensions.items() <= REGISTRY.units[UNITS.get(meter, meter)].dimensions.items()
    ]
    for meter in [*UNITS, *REGISTRY.units]
}


class Event(NamedTuple):
    """A request: how much it used of each meter, each token once."""

    provider: Provider
    model: ModelInfo
    context: dict[str, str]
    moment: datetime
    used: dict[str, int]

    @property
    def usage(self) -> Usage:
        """As the library wants it: every unit includes all that is more specific."""
        amounts: dict[str, int] = {}
        for meter, quantity in self.used.items():
            for key in INCLUDING[meter]:
                amounts[key] = amounts.get(key, 0) + quantity
        return Usage(**amounts)

    @property
    def expected(self) -> Decimal:
        return self.model.calc_price(
            self.usage,
            self.provider,
            genai_request_timestamp=self.moment,
            price_context=self.context,
        ).total_price

    @property
    def input_tokens(self) -> int:
        return sum(used for meter, used in self.used.items() if "input_tokens" in INCLUDING[meter])


def random_event(draw: random.Random, meters: dict[tuple[str, str], list[str]]) -> Event:
    provider, model = draw.choice(MODELS)
    if draw.random() < 0.5:  # as often as all others together: models whose prices depend on more
        provider, model = draw.choice(CONDITIONAL)
    known = [meter for meter in meters.get((provider.id, model.id), []) if meter != "requests"]
    # Of all meters, so that nothing is left for the library to infer.
    used = {
        meter: draw.choice((0, 1, 999, draw.randrange(10_000), draw.randrange(400_000)))
        for meter in known
    }
    if "audio_seconds" in used or "input_audio_seconds" in used:
        # Groq bills whisper for at least 10 seconds, whatever its price.
        used = {"audio_seconds": draw.randint(10, 9999)} if "audio_seconds" in known else {}
    return Event(provider, model, random_context(draw, model), random_moment(draw, model), used)


def random_context(draw: random.Random, model: ModelInfo) -> dict[str, str]:
    context = dict(draw.choice(contexts(model)))
    if draw.random() < 0.2:
        context |= {"shoe_size": "43"}  # what the model does not know changes nothing
    return context


def random_moment(draw: random.Random, model: ModelInfo) -> datetime:
    """Any second of three years, often within a day of a change of price."""
    moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=draw.randrange(3 * 366 * 86400))
    conditional: list[ConditionalPrice] = model.prices if isinstance(model.prices, list) else []
    starts = [day for item in conditional if (day := getattr(item.constraint, "start_date", None))]
    if starts and draw.random() < 0.5:
        day = draw.choice(starts) + timedelta(days=draw.choice((-1, 0)))
        moment = datetime.combine(day, time(), UTC) + timedelta(seconds=draw.randrange(86400))
    return moment


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    return pl.read_parquet(update_prices(Lake(tmp_path_factory.mktemp("lake"))))


def priced(table: pl.DataFrame, events: list[Event]) -> list[Decimal]:
    """Price events by one pass of joins over the table: what each used of each meter."""
    columns = ["event", "provider", "model", "context", "moment", "input_tokens", "meter", "used"]
    rows = [
        (number, event.provider.id, event.model.id, context,
         event.moment.replace(tzinfo=None), event.input_tokens, meter, used)
        for number, event in enumerate(events)
        for context in [known_context(event)]
        for meter, used in [("requests", 1), *event.used.items()]
    ]  # fmt: skip
    used = pl.DataFrame(rows, columns, orient="row")
    with duckdb.connect() as connection:
        connection.register("used", used.to_arrow())
        connection.register("prices", table.to_arrow())
        found = connection.execute("""
            select event, list({'used': used, 'price': price, 'per': per})
            from used
            inner join prices
                on used.provider = prices.provider and used.model = prices.model
                and used.context = prices.context and used.meter = prices.meter
                and coalesce(cast(moment as date) >= valid_from, true)
                and coalesce(cast(moment as date) < valid_to, true)
                and epoch(moment)::bigint // 60 % 1440 between minute_from and minute_to - 1
                and coalesce(input_tokens > input_over, true)
                and coalesce(input_tokens <= input_up_to, true)
            group by event
            order by event
        """).fetchall()
    costs = {
        event: sum((row["used"] * row["price"] / row["per"] for row in rows), Decimal(0))
        for event, rows in found
    }
    return [costs.get(number, Decimal(0)) for number in range(len(events))]


def dust(event: Event) -> Decimal:
    """What the 13th decimal of a price can make: a few prices are written as floats are printed."""
    written = f"{event.model.prices} {event.model.price_variants}"
    has_dust = re.search(r"\.\d{13}", written)
    return sum(event.used.values()) * Decimal("5e-13") / 1000 if has_dust else Decimal(0)


def known_context(event: Event) -> str:
    keys = {key for context in contexts(event.model) for key in context}
    return context_text({key: value for key, value in event.context.items() if key in keys})


def test_the_table_prices_20000_random_events_as_genai_prices_does(table: pl.DataFrame) -> None:
    draw = random.Random(20_261_120)
    meters: dict[tuple[str, str], list[str]] = {}
    for provider, model, meter in (
        table.select("provider", "model", "meter")
        .unique()
        .sort("provider", "model", "meter")
        .rows()
    ):
        meters.setdefault((provider, model), []).append(meter)
    events = [random_event(draw, meters) for _ in range(EVENTS)]
    assert len({event.provider.id for event in events}) == len(get_snapshot().providers)

    found = priced(table, events)

    wanted = [event.expected for event in events]
    different = [
        (event, got, expected)
        for event, got, expected in zip(events, found, wanted, strict=True)
        if got != expected and abs(got - expected) > dust(event)
    ]
    assert different == []


def test_a_second_run_of_the_same_package_writes_nothing(tmp_path: Path) -> None:
    file = update_prices(Lake(tmp_path))
    before = file.stat().st_mtime_ns
    assert update_prices(Lake(tmp_path)) == prices_file(Lake(tmp_path)) == file
    assert file.stat().st_mtime_ns == before


def price_row(model: str, price: str, **changes: object) -> dict[str, Any]:
    return {
        "provider": "openai", "model": model, "context": "", "meter": "output",
        "valid_from": None, "valid_to": None, "minute_from": 0, "minute_to": 1440,
        "input_over": None, "input_up_to": None, "price": Decimal(price), "per": 1_000_000,
        **changes,
    }  # fmt: skip


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    schema = {name: PRICE_SCHEMA[name] for name in rows[0]}
    return pl.DataFrame(rows, schema)


FIRST = {"package_version": "1", "package_hash": "a", "snapshot": 1, "seen_on": None}


def test_a_newer_package_adds_only_models_whose_prices_differ_with_the_day_they_were_seen() -> None:
    known = frame(price_row("old", "1", **FIRST), price_row("same", "2", **FIRST))
    installed = frame(price_row("same", "2"), price_row("old", "1.5"), price_row("new", "3"))
    added = new_prices(known, installed, date(2026, 11, 20))
    assert added.select("model", "price", "seen_on").rows() == [
        ("old", Decimal("1.5"), date(2026, 11, 20)),
        ("new", Decimal(3), None),
    ]


def test_what_another_package_seen_in_between_added_is_compared_by_its_newest_prices() -> None:
    second = FIRST | {"snapshot": 2, "seen_on": date(2026, 10, 1)}
    known = frame(price_row("m", "1", **FIRST), price_row("m", "2", **second))
    assert new_prices(known, frame(price_row("m", "2")), date(2026, 11, 1)).is_empty()
    assert len(new_prices(known, frame(price_row("m", "1")), date(2026, 11, 1))) == 1


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (("openai", "gpt-5-2025-08-07", "standard"), ("openai", "gpt-5", "", None)),
        (("openai", "gpt-5", "batch"), ("openai", "gpt-5", "processing=batch", None)),
        (("openai", "gpt-5", "flex"), ("openai", "gpt-5", "service_tier=flex", None)),
        # Not OpenAI's own: Azure has no batch prices in the catalogue, and never OpenAI's.
        (("azure.ai.openai", "gpt-4o", "standard"), ("openai", "gpt-4o", "", None)),
        (
            ("azure.ai.openai", "gpt-4o", "batch"),
            ("openai", "gpt-4o", None,
             "the price catalogue has no price of gpt-4o for service tier batch"),
        ),
        (
            ("vllm", "llama", "standard"),
            (None, None, None, "the price catalogue knows no model llama of vllm"),
        ),
        ((None, "gpt-5", "standard"), (None, None, None, "the span names no provider")),
    ],
)  # fmt: skip
def test_a_name_on_an_attempt_is_one_of_the_catalogue_or_has_a_reason(
    named: tuple[str | None, str, str], expected: tuple[str | None, ...]
) -> None:
    assert priced_model(*named) == expected


def test_every_provider_of_opentelemetry_that_bills_name_is_one_of_the_catalogue() -> None:
    seed = Path(__file__).parents[1] / "dbt" / "seeds" / "provider_names.csv"
    names = [line.split(",")[0] for line in seed.read_text().splitlines()[1:]]
    unknown = [name for name in names if prices_module.find_provider(name) is None]
    assert unknown == []
