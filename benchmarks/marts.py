"""From the lake's normalized Parquet to the marts, and how far that is from the truth."""

import shutil
from pathlib import Path
from time import perf_counter
from typing import Any

import duckdb

from larkspur.company import TOKEN_PRICES
from pipelines.config_tables import write_config_tables
from pipelines.settings import Settings, load_settings
from pipelines.transform import _invoke
from pipelines.warehouse import build_file, prepare

# What an attempt truly cost in nanodollars: its tokens times their prices, in whole numbers.
_TRUTH = """
    select
        costs.customer_id,
        count(*) as attempts,
        sum(costs.direct_cost) * 1000000000 - sum(
            costs.uncached_input_tokens * prices.input
            + costs.cache_read_tokens * prices.cached
            + costs.output_tokens * prices.output
        ) as nano_error
    from marts.attempt_costs as costs
    inner join (values {prices}) as prices(model, input, cached, output)
        on costs.request_model = prices.model
    where costs.uncached_input_tokens is not null
    group by costs.customer_id
"""


def build_token_costs(folder: Path) -> dict[str, Any]:
    """Build what the cost of each attempt needs, and nothing else; compare it with the truth."""
    select = ("--select", "+attempt_costs", "--exclude-resource-type", "test", "unit_test")
    settings, result = _build(folder, select)
    prices = ", ".join(
        f"('{model}', {price['input']}, {price.get('cached input', 0)}, {price.get('output', 0)})"
        for model, price in TOKEN_PRICES.items()
    )
    error = f"select max(abs(nano_error / attempts)) from ({_TRUTH.format(prices=prices)})"
    nano = _scalar(settings, error)
    return result | {"remark": f"a customer is off by {nano:.2f} nanodollars an attempt at most"}


def build_capacity_shares(folder: Path) -> dict[str, Any]:
    """Build the shares of capacity and what they need; tell what is busy beyond what was billed."""
    select = ("--select", "+int_capacity_shares", "--exclude-resource-type", "test", "unit_test")
    rows = "select count(*) from staging.stg_lake__attempts where pod_uid is not null"
    settings, result = _build(folder, select, rows)
    off = """
        select max(abs(nanoseconds - billed)) from (
            select sum(nanoseconds) as nanoseconds, any_value(billed_nanoseconds) as billed
            from intermediate.int_capacity_shares group by charge_group_id
        )
    """
    return result | {"remark": f"billed and shared time differ by {_scalar(settings, off)} ns"}


def build_everything(folder: Path) -> dict[str, Any]:
    """Build all models and run all tests, as `unitledger run` does."""
    settings, result = _build(folder, ("--exclude-resource-type", "unit_test"))
    total = "select sum(abs(difference)) from marts.cost_reconciliation"
    return result | {"remark": f"reconciliation: differences of {_scalar(settings, total)}"}


_ENDED = "select count(*) from marts.attempt_costs where is_ended"


def _build(
    folder: Path, select: tuple[str, ...], rows: str = _ENDED
) -> tuple[Settings, dict[str, Any]]:
    """Prepare a warehouse and run dbt once: from files that the index lists to marts."""
    settings = load_settings(folder / "unitledger.yml")
    shutil.rmtree(settings.lake.root / "facts", ignore_errors=True)
    # A run finds the project as the run before it parsed it.
    _invoke(settings, ["parse"])
    began = perf_counter()
    write_config_tables(settings)
    prepare(settings)
    (settings.lake.root / "facts").mkdir(exist_ok=True)
    outcomes = _invoke(settings, ["build", *select])
    seconds = perf_counter() - began
    failed = [outcome for outcome in outcomes if not outcome.passed]
    assert not failed, failed
    return settings, {
        "seconds": seconds,
        "rows": _scalar(settings, rows),
        "nodes": {item.name: round(item.seconds, 2) for item in outcomes if item.seconds > 0.05},
    }


def _scalar(settings: Settings, sql: str) -> Any:
    with duckdb.connect(str(build_file(settings)), read_only=True) as connection:
        return connection.execute(sql).fetchall()[0][0]
