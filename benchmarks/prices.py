"""What attempts would cost at list prices: every provider, model and tier of the catalogue."""

from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any

import duckdb
from genai_prices.data_snapshot import get_snapshot

from models.tables import TOKEN_COLUMNS
from pipelines.config_tables import write_config_tables
from pipelines.prices import (
    names_on_attempts,
    priced_model,
    prices_file,
    update_prices,
    write_priced_models,
)
from pipelines.settings import Settings, load_settings
from pipelines.transform import _invoke
from pipelines.warehouse import build_file

_TIERS = ("batch", "flex", "priority", "fast")
_MODELS = (
    *("stg_lake__priced_models", "stg_lake__token_prices", "stg_lake__rate_cards"),
    *("provider_names", "int_list_prices", "int_contract_prices", "attempt_estimates"),
)
# A mix of small prompts, of cached ones, and of some beyond every limit at which prices jump.
_ATTEMPTS = """
    create table marts.attempt_costs as
    select
        number::varchar as attempt_id,
        ended_at::date as charge_date,
        number::varchar as inference_id,
        names.provider_name,
        names.response_model as request_model,
        names.response_model,
        names.service_tier,
        'ok' as status,
        null::varchar as pod_uid,
        true as is_ended,
        ended_at,
        {entities},
        (hash(number, 1) % 4000 + if(number % 50 = 0, 300000, 0))::bigint as uncached_input_tokens,
        (hash(number, 2) % 4000)::bigint as cache_read_tokens,
        (if(number % 3 = 0, hash(number, 3) % 900, 0))::bigint as cache_write_5m_tokens,
        (if(number % 7 = 0, hash(number, 4) % 900, 0))::bigint as cache_write_1h_tokens,
        (hash(number, 5) % 1500)::bigint as output_tokens,
        null::bigint as audio_input_tokens,
        null::bigint as audio_output_tokens,
        (output_tokens // 3)::bigint as reasoning_tokens,
        null::decimal(38, 12) as direct_cost,
        null::varchar as billing_currency
    from (
        select
            range as number,
            timestamp '2026-01-01' + to_seconds((hash(range, 0) % 28000000)::bigint) as ended_at,
            (hash(range, 6) % (select count(*) from lake.attempts))::bigint as position
        from range({attempts})
    ) as events
    inner join (select *, row_number() over () - 1 as position from lake.attempts) as names
        on events.position = names.position
"""


def measure_prices(folder: Path, attempts: int) -> dict[str, Any]:
    """Price attempts in one pass; the seconds are of a query that adds all of them up."""
    settings = estimate_attempts(folder, attempts)
    with duckdb.connect(str(build_file(settings)), read_only=True) as connection:
        began = perf_counter()
        row = connection.execute(
            "select count(*), count(estimated_cost), sum(estimated_cost) "
            "from marts.attempt_estimates"
        ).fetchone()
        seconds = perf_counter() - began
    assert row is not None
    remark = f"{row[1] / row[0]:.0%} of {len(_names())} models and tiers have every price"
    return {"seconds": seconds, "rows": row[0], "remark": remark}


def estimate_attempts(folder: Path, attempts: int) -> Settings:
    """Build a warehouse of nothing but random attempts and the models that price them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bills").mkdir(exist_ok=True)
    config = folder / "unitledger.yml"
    config.write_text("sources: {nothing: {connector: fx_rates, location: ./bills}}\n")
    settings = load_settings(config)
    write_config_tables(settings)
    update_prices(settings.lake)
    build_file(settings).parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(build_file(settings))) as connection:
        _fill(connection, settings, attempts)
    outcomes = _invoke(settings, ["build", "--select", *_MODELS, "--exclude-resource-type", "test",
                                  "unit_test"])  # fmt: skip
    assert all(outcome.passed for outcome in outcomes), outcomes
    return settings


def _fill(connection: duckdb.DuckDBPyConnection, settings: Settings, attempts: int) -> None:
    connection.execute("create schema lake")
    connection.execute("create schema marts")
    for name in ("token_prices", "rate_cards"):
        file = prices_file(settings.lake).with_name(f"{name}.parquet")
        connection.execute(f"create table lake.{name} as from read_parquet('{file}')")
    connection.execute(
        "create table lake.attempts (provider_name varchar, response_model varchar, "
        "request_model varchar, service_tier varchar, pod_uid varchar)"
    )
    connection.executemany("insert into lake.attempts values (?, ?, null, ?, null)", _names())
    write_priced_models(connection, names_on_attempts(connection))
    entities = ("customer_id", "feature", "workflow", "team", "model", "environment")
    columns = ", ".join(f"'(none)' as {name}" for name in entities)
    connection.execute(_ATTEMPTS.format(attempts=attempts, entities=columns))
    found = {row[0] for row in connection.execute("describe marts.attempt_costs").fetchall()}
    assert set(TOKEN_COLUMNS) <= found


@cache
def _names() -> list[tuple[str, str, str]]:
    """Every model of the catalogue, in every tier that it has a price for."""
    names = [
        (provider.id, model.id, tier)
        for provider in get_snapshot().providers
        for model in provider.models
        for tier in ("standard", *(_TIERS if model.price_variants else ()))
    ]
    return [name for name in names if priced_model(*name)[-1] is None]
