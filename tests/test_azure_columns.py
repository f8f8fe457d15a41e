"""Microsoft's files as they come: headers of all ages, three forms of dates, odd tags."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from azure_exports import EA, SUBSCRIPTION, Exports, Row, csv_bytes, line

from connectors._azure._columns import COLUMNS, places, squeezed
from models.tables import CHARGES

MCA_NAMES = {
    "BillingAccountId": "billingAccountId",
    "BillingAccountName": "billingAccountName",
    "BillingPeriodStartDate": "billingPeriodStartDate",
    "BillingPeriodEndDate": "billingPeriodEndDate",
    "BillingProfileId": "billingProfileId",
    "BillingCurrencyCode": "billingCurrency",
    "SubscriptionName": "subscriptionName",
    "Date": "date",
    "CostInBillingCurrency": "costInBillingCurrency",
    "Quantity": "quantity",
    "Tags": "tags",
    "ChargeType": "chargeType",
}
OLD_NAMES = {
    "CostInBillingCurrency": "Cost",
    "BillingCurrencyCode": "BillingCurrency",
    "ProductName": "Product",
}
GERMAN_NAMES = {
    "CostInBillingCurrency": "Kosten (Cost)",
    "Date": "Datum (Date)",
    "Quantity": "Menge (Quantity)",
    "BillingCurrencyCode": "Abrechnungswährung (Billing Currency Code)",
}


@pytest.fixture
def exports(tmp_path: Path) -> Exports:
    return Exports(tmp_path)


def renamed(rows: list[Row], names: dict[str, str]) -> bytes:
    new = [{names.get(name, name): value for name, value in row.items()} for row in rows]
    return csv_bytes(new, list(new[0]))


def read(exports: Exports, body: bytes, **given: Any) -> list[dict[str, Any]]:
    exports.run(body, **given)
    assert exports.read() == {}
    return exports.charges()


def without_provenance(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kept = [name for name in CHARGES.column_names if not name.startswith(("x_source", "x_deliv"))]
    return [{name: row[name] for name in kept} for row in rows]


@pytest.mark.parametrize("names", [MCA_NAMES, OLD_NAMES, GERMAN_NAMES])
def test_a_header_of_any_age_gives_the_same_charges(
    exports: Exports, tmp_path: Path, names: dict[str, str]
) -> None:
    rows = [line("6"), line("-0.25", ChargeType="Adjustment")]
    expected = read(exports, csv_bytes(rows))
    got = read(Exports(tmp_path / "other"), renamed(rows, names))
    assert without_provenance(got) == without_provenance(expected)


def test_both_documented_header_sets_name_the_same_columns() -> None:
    ea = "Date,CostInBillingCurrency,BillingCurrencyCode,ProductName,ResourceGroup,MeterSubCategory"
    mca = (
        "date,costInBillingCurrency,billingCurrency,ProductName,resourceGroupName,meterSubCategory"
    )
    assert set(places(ea.split(","), COLUMNS)) == set(places(mca.split(","), COLUMNS))


@pytest.mark.parametrize(
    ("header", "squeezed_to"),
    [
        ("\ufeffBillingAccountId", "billingaccountid"),
        ("Kosten (Cost)", "cost"),
        ("Abrechnungswährung (Billing Currency)", "billingcurrency"),
        ("x_SkuMeterName", "xskumetername"),
    ],
)
def test_a_header_is_known_without_its_dress(header: str, squeezed_to: str) -> None:
    assert squeezed(header) == squeezed_to


def test_a_file_without_costs_is_a_sentence(exports: Exports) -> None:
    exports.run(renamed([line("6")], {"CostInBillingCurrency": "Price"}))
    ((_, sentence),) = exports.read().items()
    assert "2026-10/actual/part_0_0001.csv: no column is cost; found BillingAccountId" in sentence


# --- dates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "day"),
    [
        ("10/01/2026", "10/31/2026", "10/05/2026"),
        ("10/1/2026", "10/31/2026", "10/5/2026"),
        ("2026-10-01", "2026-10-31", "2026-10-05"),
        ("2026-10-01T00:00:00Z", "2026-10-31T00:00:00Z", "2026-10-05T00:00:00Z"),
        ("2026-10-01T00:00:00", "2026-10-31", "2026-10-05T00:00:00.0000000Z"),
    ],
)
def test_each_of_the_three_date_forms_is_the_same_day(
    exports: Exports, first: str, last: str, day: str
) -> None:
    dates = {"BillingPeriodStartDate": first, "BillingPeriodEndDate": last, "Date": day}
    (charge,) = read(exports, csv_bytes([line("6", **dates)]))
    assert f"{charge['charge_period_start']}" == "2026-10-05 00:00:00"
    assert f"{charge['charge_period_end']}" == "2026-10-06 00:00:00"
    assert f"{charge['billing_period_start']}" == "2026-10-01 00:00:00"
    assert f"{charge['billing_period_end']}" == "2026-11-01 00:00:00"


def test_a_day_that_is_written_first_is_refused_and_not_guessed(exports: Exports) -> None:
    dates = {"BillingPeriodStartDate": "01/10/2026", "BillingPeriodEndDate": "31/10/2026"}
    exports.run(csv_bytes([line("6", Date="05/10/2026", **dates)]))
    ((_, sentence),) = exports.read().items()
    assert "the date 31/10/2026 has no month 31; allowed: MM/DD/YYYY, M/D/YYYY or" in sentence


def test_dates_that_can_be_read_in_two_ways_are_refused(exports: Exports) -> None:
    dates = {"BillingPeriodStartDate": "", "BillingPeriodEndDate": ""}
    exports.run(csv_bytes([line("6", Date="10/05/2026", **dates)]))
    ((_, sentence),) = exports.read().items()
    assert "the date 10/05/2026 can be read in two ways" in sentence


def test_dates_that_mean_one_day_in_both_ways_are_read(exports: Exports) -> None:
    dates = {"BillingPeriodStartDate": "", "BillingPeriodEndDate": ""}
    (charge,) = read(exports, csv_bytes([line("6", Date="10/10/2026", **dates)]))
    assert f"{charge['charge_period_start']}" == "2026-10-10 00:00:00"


def test_a_date_that_is_none_is_a_sentence(exports: Exports) -> None:
    exports.run(csv_bytes([line("6"), line("7", Date="10/40/2026")]))
    ((_, sentence),) = exports.read().items()
    assert "row 2: date is '10/40/2026'; allowed: time" in sentence


def test_rows_of_another_month_than_the_runs_are_refused(exports: Exports) -> None:
    exports.run(csv_bytes([line("6"), line("7", BillingPeriodStartDate="09/01/2026")]))
    ((_, sentence),) = exports.read().items()
    assert "row 2 is of the billing period 2026-09-01; allowed: rows of 2026-10" in sentence


# --- files ----------------------------------------------------------------------------------------


def test_csv_gzip_and_parquet_give_the_same_charges(exports: Exports, tmp_path: Path) -> None:
    rows = [line("6"), line("2.1E-06", Quantity="7.5E-07"), line("0E-9", ChargeType="Refund")]
    expected = without_provenance(read(exports, csv_bytes(rows)))
    gzipped = Exports(tmp_path / "gzip")
    got = without_provenance(read(gzipped, csv_bytes(rows), part="part_0.csv.gz"))
    as_parquet = Exports(tmp_path / "parquet")
    typed = pl.DataFrame(rows).with_columns(
        pl.col("CostInBillingCurrency", "Quantity", "UnitPrice").cast(pl.Float64),
        pl.col("Date", "BillingPeriodStartDate").str.to_datetime("%m/%d/%Y"),
    )
    file = tmp_path / "part.parquet"
    typed.write_parquet(file)
    also = without_provenance(read(as_parquet, file.read_bytes(), part="part_0.parquet"))
    for lines in (expected, got, also):
        for charge in lines:
            del charge["x_file"]
    assert expected == got == also
    assert [charge["billed_cost"] for charge in expected] == [
        Decimal(6),
        Decimal("0.0000021"),
        Decimal(0),
    ]


@pytest.mark.parametrize("part", ["part_0.csv.gz", "part_0.parquet"])
def test_a_file_that_was_cut_is_a_sentence(exports: Exports, tmp_path: Path, part: str) -> None:
    frame = tmp_path / "whole.parquet"
    pl.DataFrame([line("6")]).write_parquet(frame)
    body = frame.read_bytes() if part.endswith("parquet") else csv_bytes([line("6")] * 50)
    folder = exports.run(body, part=part)
    (folder / part).write_bytes((folder / part).read_bytes()[:-20])
    ((_, sentence),) = exports.read().items()
    assert "truncated or damaged" in sentence


def test_line_breaks_and_commas_within_quotes_are_part_of_a_value(exports: Exports) -> None:
    tags = '{"a": "x,y",\r\n "b": "say \\"hi\\""}'
    rows = [line("6", Tags=tags), line("7", ProductName="one\ntwo")]
    charges = read(exports, csv_bytes(rows))
    assert json.loads(charges[0]["tags"]) == {"a": "x,y", "b": 'say "hi"'}
    assert charges[1]["charge_description"] == "one\ntwo"
    assert [charge["x_row"] for charge in charges] == [1, 2]


def test_a_file_that_is_not_utf_8_is_a_sentence(exports: Exports) -> None:
    exports.run("Datum,Kosten,Währung".encode("latin-1"))
    ((_, sentence),) = exports.read().items()
    assert "is not UTF-8; allowed: UTF-8 text" in sentence


# --- values ---------------------------------------------------------------------------------------


TAGS: list[tuple[str, dict[str, str] | None]] = [
    ("", None),
    ("{}", None),
    ('"env": "prod","team": "search"', {"env": "prod", "team": "search"}),
    ('{"env": "prod"}', {"env": "prod"}),
    ('"k8s": "{\\"a\\": 1}"', {"k8s": '{"a": 1}'}),
    ('{"owner": {"unit": "x"}}', {"owner": '{"unit":"x"}'}),
    ('"env: prod', {"x_unparsed": '"env: prod'}),
]


def test_tags_are_a_flat_object_with_braces_or_without(exports: Exports) -> None:
    charges = read(exports, csv_bytes([line("6", Tags=tags) for tags, _ in TAGS]))
    got = [json.loads(charge["tags"]) if charge["tags"] else None for charge in charges]
    assert got == [expected for _, expected in TAGS]


def test_a_machine_of_a_scale_set_is_a_resource_of_its_own(exports: Exports) -> None:
    resource = (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Compute/"
        "virtualMachineScaleSets/pool"
    )
    info = '"ServiceType": "Standard_NC48ads_A100_v4","VMName": "aks-pool-1_3","VCPUs": 48'
    columns = [*EA, "ResourceId"]
    rows = [line("6", ResourceId=resource, AdditionalInfo=info)]
    (charge,) = read(exports, csv_bytes(rows, columns))
    assert charge["resource_id"] == f"{resource}/virtualMachines/3"
    assert charge["resource_name"] == "aks-pool-1_3"
    assert charge["x_charge_kind"] == "capacity"
    assert charge["x_billed_milliseconds"] == 24 * 3_600_000
    assert charge["x_gpu_count"] == 2


@pytest.mark.parametrize(
    ("column", "value", "allowed"),
    [
        ("ChargeType", "Gift", "charge_type is 'Gift'; allowed: Usage, Purchase, Refund"),
        ("PricingModel", "Barter", "pricing_model is 'Barter'; allowed: OnDemand"),
        ("Frequency", "Often", "frequency is 'Often'; allowed: UsageBased"),
        ("CostInBillingCurrency", "1,25", "cost is '1,25'; allowed: money"),
        ("BillingCurrencyCode", "XYZ", "billing_currency is not an ISO 4217 code (XYZ)"),
        ("BillingCurrencyCode", "", "billing_currency is empty"),
        ("CostInBillingCurrency", "", "billed_cost is empty"),
    ],
)
def test_a_value_that_is_not_known_is_a_sentence(
    exports: Exports, column: str, value: str, allowed: str
) -> None:
    exports.run(csv_bytes([line("6"), line("7") | {column: value}]))
    ((_, sentence),) = exports.read().items()
    assert "row 2" in sentence
    assert allowed in sentence
