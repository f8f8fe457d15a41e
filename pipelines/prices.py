"""The price catalogue in the lake, and what the models of attempts are called in it.

lake/config/token_prices.parquet is only ever appended to. A newer genai-prices adds the rows of the
models whose prices differ, with the day on which they were first seen: what it dates itself holds
from its date, what it leaves undated from that day on. What was estimated before stays as it was.
"""

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

from connectors._lake import Lake
from pipelines.price_catalog import catalog_prices, context_text, contexts, package_state

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, Provider

PRICE_SCHEMA = pl.Schema(
    {
        "provider": pl.String(),
        "model": pl.String(),
        "context": pl.String(),
        "meter": pl.String(),
        "valid_from": pl.Date(),
        "valid_to": pl.Date(),
        "minute_from": pl.Int64(),
        "minute_to": pl.Int64(),
        "input_over": pl.Int64(),
        "input_up_to": pl.Int64(),
        "price": pl.Decimal(18, 12),
        "per": pl.Int64(),
        "package_version": pl.String(),
        "package_hash": pl.String(),
        # 1, 2, … for each state of the package that brought something new.
        "snapshot": pl.Int64(),
        # NULL for a model's first prices: they hold for all time before, too.
        "seen_on": pl.Date(),
    }
)
# What a warehouse is made from, beside the catalogue itself.
CODE = (Path(__file__), Path(__file__).with_name("price_catalog.py"))
_KEY = ("provider", "model")
_CONTENT = tuple(PRICE_SCHEMA)[: tuple(PRICE_SCHEMA).index("package_version")]

# OpenTelemetry's names where the package has others, or takes them for another provider's.
_PROVIDERS = {
    "azure.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "gcp.gen_ai": "google",
    "x_ai": "x-ai",
}
# What a service tier on a span is called in the package; the first that the model knows.
_TIERS: dict[str, tuple[Mapping[str, str], ...]] = {
    "batch": ({"processing": "batch"},),
    "fast": ({"speed": "fast"}, {"service_tier": "fast"}),
}

_LABELS = """
    select distinct
        provider_name,
        coalesce(response_model, request_model) as label,
        case
            when service_tier is null or service_tier in ('auto', 'default') then 'standard'
            else service_tier
        end as service_tier
    from lake.attempts
    where pod_uid is null and coalesce(response_model, request_model) is not null
"""

_NAMED = "select provider_name, label, service_tier from lake.priced_models"
_FILES = "select distinct unnest(files) from lake.day_files where table_name = 'attempts'"


def prices_file(lake: Lake) -> Path:
    """Return where the lake keeps the catalogue."""
    return lake.root / "config" / "token_prices.parquet"


def update_prices(lake: Lake, today: date | None = None) -> Path:
    """Append what the installed package has and the lake has not; usually that is nothing."""
    file = prices_file(lake)
    package_version, package_hash = package_state()
    if file.exists() and pl.read_parquet_metadata(file).get("package_hash") == package_hash:
        return file
    known = pl.read_parquet(file) if file.exists() else pl.DataFrame(schema=PRICE_SCHEMA)
    seen_on = today or datetime.now(UTC).date()
    added = new_prices(known, _installed_prices(), seen_on).with_columns(
        package_version=pl.lit(package_version),
        package_hash=pl.lit(package_hash),
        snapshot=pl.lit(known["snapshot"].n_unique() + 1, pl.Int64),
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    all_prices = pl.concat([known, added.select(PRICE_SCHEMA.names())])
    all_prices.write_parquet(temporary, metadata={"package_hash": package_hash})
    os.replace(temporary, file)
    return file


@cache
def _installed_prices() -> pl.DataFrame:
    schema = {name: PRICE_SCHEMA[name] for name in _CONTENT}
    return pl.DataFrame([tuple(price) for price in catalog_prices()], schema, orient="row")


def new_prices(known: pl.DataFrame, installed: pl.DataFrame, seen_on: date) -> pl.DataFrame:
    """Return all rows of the models whose prices are not those of their newest snapshot."""
    newest = known.filter(pl.col("snapshot") == pl.col("snapshot").max().over(_KEY))
    newest = newest.select(_CONTENT).join(installed, on=_KEY, how="semi")
    changed = pl.concat(
        [
            installed.join(newest, on=_CONTENT, how="anti", nulls_equal=True),
            newest.join(installed, on=_CONTENT, how="anti", nulls_equal=True),
        ]
    ).select(_KEY)
    models = known.select(_KEY).unique().with_columns(seen_on=pl.lit(seen_on))
    added = installed.join(changed, on=_KEY, how="semi")
    return added.join(models, on=_KEY, how="left", maintain_order="left")


Names = set[tuple[Any, ...]]


def names_on_attempts(connection: duckdb.DuckDBPyConnection) -> Names:
    """Return provider, label and tier of all of lake.attempts."""
    return set(connection.execute(_LABELS).fetchall())


def all_names(connection: duckdb.DuckDBPyConnection, published: Path) -> Names:
    """Return the same; files that the published warehouse has read are not opened again. Names on
    attempts that are gone stay until it is built anew: no attempt finds them."""
    names, read = _published_names(published)
    new = {file for (file,) in connection.execute(_FILES).fetchall()} - read
    if new:
        connection.execute("set variable attempts_files = ?", [sorted(new)])
        names |= names_on_attempts(connection)
        connection.execute("reset variable attempts_files")
    return names


def _published_names(published: Path) -> tuple[Names, set[str]]:
    if not published.exists():
        return set(), set()
    try:
        with duckdb.connect(str(published), read_only=True) as connection:
            names = set(connection.execute(_NAMED).fetchall())
            return names, {file for (file,) in connection.execute(_FILES).fetchall()}
    except duckdb.Error:
        # An older warehouse knows less.
        return set(), set()


def write_priced_models(connection: duckdb.DuckDBPyConnection, names: Names) -> None:
    """Create lake.priced_models: for each name on attempts the catalogue's, or a reason."""
    labels = sorted(names, key=lambda name: [part or "" for part in name])
    rows = [(*label, *priced_model(*label)) for label in labels]
    columns = "provider_name, label, service_tier, provider, model, context, unpriced_reason"
    typed = ", ".join(f"{name} varchar" for name in columns.split(", "))
    connection.execute(f"create table lake.priced_models ({typed})")
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"insert into lake.priced_models values ({marks})", rows)


def priced_model(
    provider_name: str | None, label: str, service_tier: str
) -> tuple[str | None, str | None, str | None, str | None]:
    """Return provider, model and context as the catalogue has them, and why there are none."""
    if provider_name is None:
        return None, None, None, "the span names no provider"
    found = _find(provider_name, label)
    if found is None:
        reason = f"the price catalogue knows no model {label} of {provider_name}"
        return None, None, None, reason
    provider, model = found
    context = _context(provider, model, service_tier)
    owner = _owner(provider, model)
    if context is None:
        reason = f"the price catalogue has no price of {model.id} for service tier {service_tier}"
        return owner, model.id, None, reason
    return owner, model.id, context_text(context), None


def find_provider(provider_name: str) -> "Provider | None":
    """Return the catalogue's provider for OpenTelemetry's gen_ai.provider.name."""
    from genai_prices.data_snapshot import get_snapshot

    try:
        name = _PROVIDERS.get(provider_name, provider_name)
        return get_snapshot().find_provider(None, name, None)
    except LookupError:
        return None


def _find(provider_name: str, label: str) -> "tuple[Provider, ModelInfo] | None":
    from genai_prices.data_snapshot import get_snapshot

    provider = find_provider(provider_name)
    try:
        return get_snapshot().find_provider_model(label, provider, None, None) if provider else None
    except LookupError:
        return None


def _owner(provider: "Provider", model: "ModelInfo") -> str:
    """The provider that lists the model: a cloud's model can be priced as its maker's."""
    from genai_prices.data_snapshot import get_snapshot

    providers = [provider, *get_snapshot().providers]
    return next(item.id for item in providers if any(model is own for own in item.models))


def _context(
    provider: "Provider", model: "ModelInfo", service_tier: str
) -> Mapping[str, str] | None:
    """What the tier is called in the catalogue; None where the model has no price for it."""
    if service_tier == "standard":
        return {}
    # A model of another provider is priced without its variants: that would be the wrong price.
    known = contexts(model) if _owner(provider, model) == provider.id else []
    wanted = _TIERS.get(service_tier, ({"service_tier": service_tier},))
    return next((context for context in wanted if context in known), None)
