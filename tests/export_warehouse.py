"""A small published warehouse, written by hand: what an export reads, and nothing more."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from pipelines.config_tables import CONFIG_SCHEMAS
from pipelines.exports import ExportResult
from pipelines.settings import Settings, load_settings


@dataclass(frozen=True)
class Cost:
    """One charge, and who caused it."""

    customer: str
    amount: str
    period: str = "2026-10"
    currency: str | None = "USD"
    day: date = date(2026, 10, 5)


@dataclass(frozen=True)
class Slot:
    """One delivery in force. A bill has a period, telemetry has none."""

    source: str
    slot: str
    version: str
    period: str | None = "2026-10"
    table: str = "charges"
    fingerprint: str = "f1"
    days: tuple[date, ...] = (date(2026, 10, 5),)
    status: str = "current"

    @property
    def row(self) -> tuple[object, ...]:
        return (
            *(self.status, self.source, self.slot, self.table, self.version),
            *(f"{self.source}/{self.slot}/{self.version}", self.period, self.fingerprint),
            [{"day": day, "rows": 1, "hash": "h"} for day in self.days],
        )


BILL = Slot("openai", "2026-10", "20261103T060000Z")
TRACES = Slot("traces", "2026-10-05.jsonl", "9f3c", period=None, table="attempts")
COSTS = (Cost("cust-1", "20.00"), Cost("cust-2", "10.123456789012"), Cost("cust-2", "-30.00"))


def write_settings(folder: Path) -> Settings:
    """Return a configuration with one source, whose files are all in the folder."""
    file = folder / "unitledger.yml"
    file.write_text("sources: {openai: {connector: openai_costs, location: ./openai}}\n")
    return load_settings(file)


def write_warehouse(
    settings: Settings,
    costs: Sequence[Cost] = COSTS,
    slots: Sequence[Slot] = (BILL, TRACES),
    digest: str = "",
) -> None:
    """Write the relations that an export reads, with these costs in each of them."""
    settings.warehouse.unlink(missing_ok=True)
    with duckdb.connect(str(settings.warehouse)) as connection:
        for schema in ("lake", "intermediate", "marts", "exports", "meta"):
            connection.execute(f"create schema {schema}")
        connection.execute("create table meta.build as select ? as code", [digest or repr(costs)])
        for name, columns in CONFIG_SCHEMAS.items():
            period = "billing_period" if "billing_period" in columns else "nothing"
            connection.execute(f"create table lake.{name} ({period} varchar)")
        _write_index(connection, slots)
        _write_costs(connection, costs)
        for statement in RELATIONS.split(";"):
            connection.execute(statement)


def _write_index(connection: duckdb.DuckDBPyConnection, slots: Sequence[Slot]) -> None:
    connection.execute("""
        create table lake."index" (
            status varchar, source varchar, slot varchar, "table" varchar, version varchar,
            delivery_id varchar, billing_period varchar, fingerprint varchar,
            days struct(day date, rows bigint, hash varchar)[],
            delivered struct(billing_period varchar)[] default [], error varchar
        )
    """)
    connection.executemany(
        'insert into lake."index" values (?, ?, ?, ?, ?, ?, ?, ?, ?, default, default)',
        [slot.row for slot in slots],
    )


def _write_costs(connection: duckdb.DuckDBPyConnection, costs: Sequence[Cost]) -> None:
    connection.execute("""
        create table costs (
            line bigint, customer_id varchar, amount decimal(38, 12), billing_period varchar,
            billing_currency varchar, charge_date date
        )
    """)
    connection.executemany(
        "insert into costs values (?, ?, ?, ?, ?, ?)",
        [
            (line, cost.customer, cost.amount, cost.period, cost.currency, cost.day)
            for line, cost in enumerate(costs)
        ],
    )


RELATIONS = """
    create table intermediate.int_period_inputs (period varchar, costs_hash varchar);
    create table lake.charges as
    select
        billing_period as x_billing_period,
        cast(charge_date as timestamp) + interval 7 hour as charge_period_start
    from costs;
    create table lake.metered_usage (x_billing_period varchar);
    create table marts.unpriced_usage (
        source varchar, billing_period varchar, sku_id varchar, unpriced_reason varchar,
        consumed_quantity bigint
    );
    create table marts.allocated_costs as
    select
        charge_date,
        line::varchar as charge_group_id,
        'openai' as source,
        billing_period,
        billing_currency,
        'direct' as component,
        customer_id,
        'chat' as feature,
        'answer' as workflow,
        'support' as team,
        'gpt' as model,
        'production' as environment,
        amount as effective_cost,
        'tokens' as allocated_method_id
    from costs;
    create table marts.unallocated_costs as
    select charge_date, source, billing_period, billing_currency, component, effective_cost
    from marts.allocated_costs
    where customer_id = '(none)';
    create table marts.cost_reconciliation as
    select
        source,
        billing_period,
        billing_currency,
        unnest(['allocated', 'landed', 'effective', 'normalized']) as step,
        0::decimal(38, 24) as difference
    from marts.allocated_costs
    group by all;
    create table marts.invoice_bridge as
    select
        source,
        billing_period,
        billing_currency,
        unnest([2, 1, 3]) as line_number,
        unnest(['billed cost', 'invoice total', 'effective cost']) as line,
        unnest([sum(effective_cost), null, sum(effective_cost)])::decimal(38, 12) as amount
    from marts.allocated_costs
    group by all;
    create table exports.customer_costs as
    select billing_period, billing_currency, customer_id, sum(effective_cost) as effective_cost
    from marts.allocated_costs
    group by all;
    create table exports.feature_costs as
    select billing_period, billing_currency, feature, sum(effective_cost) as effective_cost
    from marts.allocated_costs
    group by all;
    create table exports.workflow_costs as
    select billing_period, billing_currency, workflow, sum(effective_cost) as effective_cost
    from marts.allocated_costs
    group by all;
    create table exports.focus_1_2 as
    select
        amount as "BilledCost",
        billing_currency as "BillingCurrency",
        'Usage' as "ChargeCategory",
        customer_id as "ChargeDescription",
        cast(charge_date as timestamp) + interval 7 hour as "ChargePeriodStart",
        amount as "EffectiveCost",
        billing_period as "x_BillingPeriod",
        'openai/' || billing_period as "x_DeliveryId",
        'costs-0001.json' as "x_File",
        line + 1 as "x_Row",
        'openai' as "x_Source"
    from costs;
    create table exports.focus_1_4 as
    from exports.focus_1_2;
    create table exports.focus_1_4_billing_period as
    select distinct
        'OpenAI' as "InvoiceIssuerName",
        strptime(billing_period, '%Y-%m') as "BillingPeriodStart",
        billing_period as "x_BillingPeriod"
    from costs;
    create table exports.focus_1_4_invoice_detail as
    select
        billing_currency as "BillingCurrency",
        sum(amount)::decimal(38, 12) as "BilledCost",
        'usage' as "InvoiceDetailId",
        'INV-' || billing_period as "InvoiceId",
        'OpenAI' as "InvoiceIssuerName",
        billing_period as "x_BillingPeriod"
    from costs
    group by all
"""


def read_csv(result: ExportResult, name: str) -> list[dict[str, str]]:
    with (result.folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
