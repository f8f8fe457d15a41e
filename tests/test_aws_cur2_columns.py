"""What CUR 2.0 lines say beside their cost: prices, machines, tags, places, sellers."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from connectors._base import Source, Window
from connectors._lake import Lake
from connectors._normalize import normalize
from connectors.aws_cur2 import CONNECTOR

Row = dict[str, Any]
DATA = "data/BILLING_PERIOD=2026-10"
COLUMNS = {
    "line_item_line_item_type": "varchar",
    "bill_payer_account_id": "varchar",
    "bill_payer_account_name": "varchar",
    "bill_billing_entity": "varchar",
    "bill_billing_period_start_date": "timestamp",
    "bill_invoice_id": "varchar",
    "bill_invoicing_entity": "varchar",
    "capacity_reservation_capacity_reservation_arn": "varchar",
    "capacity_reservation_capacity_reservation_status": "varchar",
    "cost_category": "map(varchar, varchar)",
    "line_item_availability_zone": "varchar",
    "line_item_currency_code": "varchar",
    "line_item_legal_entity": "varchar",
    "line_item_operation": "varchar",
    "line_item_product_code": "varchar",
    "line_item_resource_id": "varchar",
    "line_item_unblended_cost": "double",
    "line_item_unblended_rate": "varchar",
    "line_item_usage_account_id": "varchar",
    "line_item_usage_amount": "double",
    "line_item_usage_end_date": "timestamp",
    "line_item_usage_start_date": "timestamp",
    "line_item_usage_type": "varchar",
    "pricing_currency": "varchar",
    "pricing_public_on_demand_cost": "double",
    "pricing_public_on_demand_rate": "varchar",
    "pricing_rate_code": "varchar",
    "pricing_unit": "varchar",
    "product": "map(varchar, varchar)",
    "product_instance_type": "varchar",
    "resource_tags": "map(varchar, varchar)",
    "tags": "map(varchar, varchar)",
}


def line(**columns: Any) -> Row:
    """An hour of one GPU instance on demand, as the export has it."""
    return {
        "line_item_line_item_type": "Usage",
        "bill_payer_account_id": "111122223333",
        "bill_billing_period_start_date": "2026-10-01T00:00:00.000Z",
        "bill_invoice_id": "",
        "line_item_availability_zone": "us-west-2b",
        "line_item_currency_code": "USD",
        "line_item_operation": "RunInstances",
        "line_item_product_code": "AmazonEC2",
        "line_item_resource_id": "i-0123456789abcdef0",
        "line_item_unblended_cost": "0.8048",
        "line_item_unblended_rate": "0.8048",
        "line_item_usage_account_id": "444455556666",
        "line_item_usage_amount": "1",
        "line_item_usage_end_date": "2026-10-05T08:00:00.000Z",
        "line_item_usage_start_date": "2026-10-05T07:00:00.000Z",
        "line_item_usage_type": "USW2-BoxUsage:g6.xlarge",
        "pricing_public_on_demand_cost": "0.8048",
        "pricing_public_on_demand_rate": "0.8048",
        "pricing_rate_code": "SKU1.TERM.RATE",
        "pricing_unit": "Hrs",
        "product": {"gpu": "1", "vcpu": "4", "memory": "16 GiB", "region": "us-west-2"},
        "product_instance_type": "g6.xlarge",
        "resource_tags": {"user_pool": "light-gpu"},
        **columns,
    }


def typed(name: str) -> str:
    kind = COLUMNS[name]
    value = f"cast({name} as json)" if kind.startswith("map") else name
    return f"cast({value} as {kind}) as {name}"


def write_export(root: Path, rows: list[Row], suffix: str) -> Path:
    """Write October as AWS would, Parquet with real maps or csv.gz with JSON objects."""
    name = f"cur-00001.{suffix}"
    (root / DATA).mkdir(parents=True)
    texts = [
        {name: json.dumps(v) if isinstance(v, dict) else v for name, v in row.items()}
        for row in rows
    ]
    (root / "rows.json").write_text("\n".join(json.dumps(row) for row in texts))
    is_parquet = suffix.endswith("parquet")
    present = [name for name in COLUMNS if any(name in row for row in rows)]
    columns = ", ".join(typed(name) if is_parquet else name for name in present)
    with duckdb.connect() as connection:
        spec = ", ".join(f"{name}: 'varchar'" for name in COLUMNS)
        connection.execute("set timezone = 'UTC'")
        connection.execute(
            f"copy (select {columns} from read_json('{root}/rows.json', columns = {{{spec}}})) "
            f"to '{root / DATA / name}' "
            + ("(format parquet)" if is_parquet else "(format csv, header, compression gzip)")
        )
    manifest = root / "metadata/BILLING_PERIOD=2026-10/cur-Manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"dataFiles": [f"s3://bucket/cur/{DATA}/{name}"]}))
    return root


def charges_of(root: Path, *rows: Row, suffix: str = "snappy.parquet") -> list[Row]:
    lake = Lake(root / "lake")
    export = write_export(root / "export", list(rows), suffix)
    source = Source("aws", str(export), CONNECTOR.options())
    assert not lake.land(source, CONNECTOR, Window()).failures
    assert normalize(lake, source, CONNECTOR) == {}
    return pl.read_parquet(lake.root / lake.index().filter(table="charges")["file"][0]).to_dicts()


def test_parquet_with_maps_and_csv_with_json_objects_give_the_same_charges(tmp_path: Path) -> None:
    rows = (line(), line(cost_category={"Team": "search"}, line_item_unblended_cost="6e-07"))
    parquet = charges_of(tmp_path / "parquet", *rows)
    text = charges_of(tmp_path / "csv", *rows, suffix="csv.gz")
    place = ("x_delivery_id", "x_file")
    for charges in (parquet, text):
        for charge in charges:
            assert charge.pop(place[0])
            assert charge.pop(place[1])
    assert parquet == text
    assert text[1]["billed_cost"] == Decimal("0.0000006")


def test_each_charge_names_the_delivered_row(tmp_path: Path) -> None:
    charges = charges_of(tmp_path, line(), line(), line())
    assert [(c["x_file"], c["x_row"]) for c in charges] == [
        ("cur-00001.snappy.parquet", row) for row in (1, 2, 3)
    ]


def test_an_hour_of_an_instance_is_billed_time_of_a_machine_and_its_gpus(tmp_path: Path) -> None:
    whole, part, spot = charges_of(
        tmp_path,
        line(),
        line(line_item_usage_amount="0.3333333333"),
        line(line_item_usage_type="USW2-SpotUsage:g6.xlarge", product={}),
    )
    assert [row["x_charge_kind"] for row in (whole, part, spot)] == ["capacity"] * 3
    assert [row["x_billed_milliseconds"] for row in (whole, part)] == [3_600_000, 1_200_000]
    assert [row["x_gpu_count"] for row in (whole, spot)] == [1, None]
    assert spot["pricing_category"] == "Dynamic"


def test_what_bills_no_time_of_a_machine_is_no_capacity(tmp_path: Path) -> None:
    others: list[dict[str, str]] = [
        {"line_item_usage_type": "USW2-EBSOptimized:g6.xlarge"},
        {"line_item_usage_type": "USW2-NatGateway-Hours", "line_item_resource_id": "arn:nat"},
        {"line_item_usage_type": "USW2-UnusedBox:g6.xlarge", "line_item_resource_id": "arn:cr"},
        {"line_item_resource_id": "arn:aws:ec2:us-west-2:111122223333:dedicated-host/h-1"},
        {"line_item_line_item_type": "Refund"},
    ]
    rows = charges_of(tmp_path, *(line(**columns) for columns in others))
    found = [(row["x_charge_kind"], row["x_billed_milliseconds"]) for row in rows]
    assert found == [(None, None)] * len(others)


def test_prices_times_quantities_are_costs(tmp_path: Path) -> None:
    [row] = charges_of(tmp_path, line())
    assert row["list_unit_price"] == row["contracted_unit_price"] == Decimal("0.8048")
    assert (row["pricing_quantity"], row["pricing_unit"]) == (1, "Hours")
    assert (row["consumed_quantity"], row["consumed_unit"]) == (1, "Hours")
    assert (row["sku_id"], row["sku_price_id"]) == ("SKU1", "SKU1.TERM.RATE")
    assert json.loads(row["sku_price_details"]) == {
        "InstanceType": "g6.xlarge",
        "CoreCount": 4,
        "GpuCount": 1,
        "MemorySize": 16.0,
    }


def test_the_price_of_a_tiered_row_is_what_it_cost_not_the_highest_tier(tmp_path: Path) -> None:
    [row] = charges_of(
        tmp_path,
        line(
            line_item_usage_amount="30",
            line_item_unblended_cost="2.10",
            pricing_public_on_demand_cost="2.10",
            pricing_public_on_demand_rate="0.09",
            line_item_unblended_rate="",
        ),
    )
    assert row["list_unit_price"] == Decimal("2.10") / 30
    assert row["contracted_unit_price"] == Decimal("2.10") / 30


def test_without_a_price_id_quantities_and_prices_stay_empty(tmp_path: Path) -> None:
    [row] = charges_of(tmp_path, line(pricing_rate_code=""))
    empty = (
        "sku_price_id list_unit_price contracted_unit_price pricing_quantity pricing_unit "
        "pricing_category consumed_quantity consumed_unit sku_price_details"
    ).split()
    assert [name for name in empty if row[name] is not None] == []
    assert row["x_billed_milliseconds"] == 3_600_000


def test_tags_are_the_resource_tags_and_the_cost_categories(tmp_path: Path) -> None:
    newer = {"resourceTags/user:pool": "light-gpu", "iamPrincipal/role": "ci"}
    both, plain, older, none = charges_of(
        tmp_path,
        line(cost_category={"Team": "search"}, tags=newer),
        line(),
        line(resource_tags={}, tags=newer),
        line(resource_tags={}),
    )
    tags = [row["tags"] and json.loads(row["tags"]) for row in (both, plain, older, none)]
    assert tags == [
        {"user_pool": "light-gpu", "costCategory/Team": "search", "iamPrincipal/role": "ci"},
        {"user_pool": "light-gpu"},
        {"user_pool": "light-gpu", "iamPrincipal/role": "ci"},
        None,
    ]


def test_a_region_is_known_even_from_a_zone_alone(tmp_path: Path) -> None:
    named, from_zone, nowhere = charges_of(
        tmp_path, line(), line(product={}), line(product={}, line_item_availability_zone="")
    )
    for row in (named, from_zone):
        assert (row["region_id"], row["region_name"]) == ("us-west-2", "US West (Oregon)")
    assert (nowhere["region_id"], nowhere["region_name"]) == (None, None)


def test_the_seller_of_a_marketplace_product_is_not_aws(tmp_path: Path) -> None:
    own, sold = charges_of(
        tmp_path,
        line(bill_invoicing_entity="Amazon Web Services, Inc."),
        line(
            bill_billing_entity="AWS Marketplace",
            bill_invoicing_entity="Amazon Web Services, Inc.",
            line_item_legal_entity="Example Models Ltd",
            line_item_product_code="8xqc3a",
            product={"product_name": "Example Model"},
        ),
    )
    assert own["service_provider_name"] == own["host_provider_name"] == "AWS"
    assert sold["service_provider_name"] == sold["publisher_name"] == "Example Models Ltd"
    assert (sold["service_name"], sold["service_category"]) == ("Example Model", "Other")
    for row in (own, sold):
        assert row["invoice_issuer_name"] == row["provider_name"] == "Amazon Web Services, Inc."


def test_accounts_and_periods_are_those_of_the_bill(tmp_path: Path) -> None:
    [row] = charges_of(tmp_path, line(bill_payer_account_name="Larkspur"))
    assert (row["billing_account_id"], row["billing_account_name"]) == ("111122223333", "Larkspur")
    assert (row["sub_account_id"], row["sub_account_name"]) == ("444455556666", "444455556666")
    assert f"{row['billing_period_start']:%F} {row['billing_period_end']:%F}" == (
        "2026-10-01 2026-11-01"
    )
    assert row["x_billing_period"] == "2026-10"
    assert row["invoice_id"] is None


def test_prices_in_another_currency_than_the_bill_have_no_known_rate(tmp_path: Path) -> None:
    same, other = charges_of(tmp_path, line(), line(pricing_currency="CNY"))
    assert same["pricing_currency_effective_cost"] == Decimal("0.8048")
    assert other["pricing_currency"] == "CNY"
    assert other["pricing_currency_effective_cost"] is None


def test_an_unused_capacity_reservation_says_so(tmp_path: Path) -> None:
    reservation = {"capacity_reservation_capacity_reservation_arn": "arn:cr-1"}
    used, unused = charges_of(
        tmp_path,
        line(capacity_reservation_capacity_reservation_status="Used", **reservation),
        line(line_item_usage_type="USW2-UnusedBox:g6.xlarge", **reservation),
    )
    assert [r["capacity_reservation_status"] for r in (used, unused)] == ["Used", "Unused"]
