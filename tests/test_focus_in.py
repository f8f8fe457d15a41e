"""FOCUS files of any version and vendor as charges."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from focus_in import ROW, FocusSource, as_csv, as_parquet, row, without

from connectors._focus.columns import version_of


@pytest.fixture
def mine(tmp_path: Path) -> FocusSource:
    return FocusSource(tmp_path)


# --- versions -------------------------------------------------------------------------------------

FOCUS_1_4 = {
    "ServiceProviderName": "Harborline",
    "HostProviderName": "Harborline",
    "InvoiceDetailId": "line-1",
}


@pytest.mark.parametrize(
    ("version", "columns"),
    [
        ("0.5", {name: "" for name in ROW if name not in ("ContractedCost",)}),
        ("1.0", ROW),
        ("1.1", ROW | {"SkuMeter": "GPU"}),
        ("1.2", ROW | {"InvoiceId": "", "SkuMeter": ""}),
        ("1.3", ROW | {"ServiceProviderName": "Harborline"}),
        ("1.4", ROW | FOCUS_1_4),
        ("1.4", without("ProviderName", "PublisherName") | {"ServiceProviderName": "x"}),
    ],
)
def test_the_version_shows_in_the_columns(version: str, columns: dict[str, str]) -> None:
    assert version_of(columns) == version


@pytest.mark.parametrize(
    "columns",
    [
        ROW,
        ROW | {"SkuMeter": "GPU", "ServiceSubcategory": "Virtual Machines"},
        ROW | {"InvoiceId": "INV-1", "PricingCurrency": "USD"},
        ROW | {"ServiceProviderName": "Harborline", "ContractApplied": ""},
        without("ProviderName", "PublisherName") | FOCUS_1_4,
        {
            **without("ProviderName", "PublisherName", "InvoiceIssuerName"),
            "Provider": "Harborline",
            "Publisher": "Harborline",
            "InvoiceIssuer": "Harborline",
        },
        {f"{name[0].lower()}{name[1:]}": value for name, value in ROW.items()},
    ],
    ids=["1.0", "1.1", "1.2", "1.3", "1.4", "preview", "other capitals"],
)
def test_every_version_gives_the_same_charge(mine: FocusSource, columns: dict[str, str]) -> None:
    charge = mine.charge(columns)
    money = ("billed_cost", "effective_cost", "list_cost", "contracted_cost")
    expected = ["1.5", "1.5", "2", "1.5"]
    assert [charge[name] for name in money] == [Decimal(text) for text in expected]
    names = ("provider_name", "invoice_issuer_name", "publisher_name", "service_provider_name")
    assert {charge[name] for name in names} == {"Harborline"}
    assert charge["billing_account_id"] == "0042"
    assert (charge["x_billing_period"], charge["sku_price_id"]) == ("2026-10", "vm-1-usd")


def test_a_preview_of_1_0_has_other_names_for_use_region_and_commitment(mine: FocusSource) -> None:
    charge = mine.charge(
        row(
            Region="us-1",
            UsageQuantity="3",
            UsageUnit="Hours",
            PricingCategory="On-Demand",
            ChargeSubcategory="Unused Commitment",
            CommitmentDiscountId="ri-1",
        )
    )
    assert (charge["region_id"], charge["region_name"]) == ("us-1", "us-1")
    assert (charge["consumed_quantity"], charge["consumed_unit"]) == (Decimal(3), "Hours")
    assert charge["pricing_category"] == "Standard"
    assert charge["commitment_discount_status"] == "Unused"


# --- values ---------------------------------------------------------------------------------------


def test_words_for_nothing_are_nothing(mine: FocusSource) -> None:
    columns = ("ChargeClass", "RegionId", "Tags", "CommitmentDiscountId")
    words = ("NULL", "null", "", " ")
    charges = mine.charges([row(**dict.fromkeys(columns, word)) for word in words])
    empty = ("charge_class", "region_id", "tags", "commitment_discount_id")
    assert {charge[name] for charge in charges for name in empty} == {None}


def test_money_is_exact_and_rounded_half_even(mine: FocusSource) -> None:
    stated = {
        "6e-07": "0.0000006",
        "0E-9": "0",
        "-12.3456789012345": "-12.345678901234",
        "0.1234567890125": "0.123456789012",
        "99999999.123456789012": "99999999.123456789012",
    }
    alone = without("EffectiveCost", "ContractedUnitPrice")
    charges = mine.charges([alone | {"BilledCost": cost} for cost in stated])
    for charge, expected in zip(charges, stated.values(), strict=True):
        assert charge["billed_cost"] == charge["effective_cost"] == Decimal(expected)


def test_instants_are_utc_however_they_are_written(mine: FocusSource) -> None:
    times = (
        *("2026-10-02T03:00:00Z", "2026-10-02T03:00Z", "2026-10-02 03:00:00 UTC"),
        *("2026-10-02T03:00:00.000Z", "2026-10-02 03:00:00"),
        *("2026-10-02T05:00:00+02:00", "2026-10-02T05:00+02:00"),
    )
    charges = mine.charges([row(ChargePeriodStart=time) for time in times])
    read = dict(zip(times, (charge["charge_period_start"] for charge in charges), strict=True))
    assert read == dict.fromkeys(times, datetime(2026, 10, 2, 3))


@pytest.mark.parametrize("end", ["2026-10-31T00:00:00Z", "2026-10-31T23:59:59Z"])
def test_a_billing_period_that_includes_its_last_day_ends_after_it(
    mine: FocusSource, end: str
) -> None:
    assert mine.charge(row(BillingPeriodEnd=end))["billing_period_end"] == datetime(2026, 11, 1)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-10-01T07:00:00Z", "2026-11-01T08:00:00Z"),
        ("2026-09-30T15:00:00Z", "2026-10-31T15:00:00Z"),
    ],
    ids=["Los Angeles", "Tokyo"],
)
def test_a_billing_period_of_another_zone_is_the_month_it_mostly_is(
    mine: FocusSource, start: str, end: str
) -> None:
    charge = mine.charge(row(BillingPeriodStart=start, BillingPeriodEnd=end))
    assert charge["x_billing_period"] == "2026-10"


def test_tags_are_objects_with_or_without_braces(mine: FocusSource) -> None:
    mine.save("a.csv", row(Tags='{"team": "a"}'), row(Tags='"team": "a","note": "b, c"'))
    first, second = mine.rows()
    assert (first["tags"], second["tags"]) == (
        '{"team": "a"}',
        '{"team": "a","note": "b, c"}',
    )


def test_types_of_parquet_are_read_as_what_they_mean(mine: FocusSource) -> None:
    mine.saved.mkdir()
    rows = [row(BilledCost="0.1", Tags="{team=a, note=b c}", PricingQuantity="1.0", ListCost="2.0")]
    types = {
        "BilledCost": "double",
        "ListCost": "decimal(18, 4)",
        "PricingQuantity": "double",
        "BillingPeriodStart": "timestamptz",
        "BillingPeriodEnd": "timestamp",
        "ChargePeriodStart": "timestamp_ms",
        "BillingAccountId": "bigint",
        "Tags": "map(varchar, varchar)",
    }
    as_parquet(rows, mine.saved / "a.snappy.parquet", types)
    (charge,) = mine.rows()
    assert charge["billed_cost"] == Decimal("0.1")
    assert charge["tags"] == '{"team":"a","note":"b c"}'
    assert charge["billing_account_id"] == "42"
    assert charge["billing_period_start"] == datetime(2026, 10, 1)
    assert charge["charge_period_start"] == datetime(2026, 10, 2)


def test_a_list_of_keys_and_values_is_an_object_with_the_first_of_two(mine: FocusSource) -> None:
    mine.saved.mkdir()
    pairs = "[{'key': team, 'value': a}, {'key': env, 'value': prod}, {'key': team, 'value': b}]"
    types = {"Tags": "struct(key varchar, value varchar)[]"}
    as_parquet([row(Tags=pairs), row()], mine.saved / "a.parquet", types)
    first, second = mine.rows()
    assert (first["tags"], second["tags"]) == ('{"team":"a","env":"prod"}', None)


# --- what FOCUS asks for --------------------------------------------------------------------------


def test_a_cost_that_a_double_has_off_by_a_rounding_is_price_times_quantity(
    mine: FocusSource,
) -> None:
    charge = mine.charge(
        row(ListUnitPrice="0.1", PricingQuantity="3", ListCost="0.30000000000000004")
    )
    assert charge["list_cost"] == Decimal("0.3")


def test_a_cost_that_is_not_price_times_quantity_stays_the_vendors(mine: FocusSource) -> None:
    charge = mine.charge(row(ListUnitPrice="0.1", PricingQuantity="3", ListCost="0.31"))
    assert charge["list_cost"] == Decimal("0.31")


def test_without_a_sku_there_is_no_price_and_no_quantity(mine: FocusSource) -> None:
    charge = mine.charge(row(SkuId="", SkuPriceId="", ConsumedQuantity="1", ConsumedUnit="Hours"))
    empty = (
        "list_unit_price", "contracted_unit_price", "pricing_quantity", "pricing_unit",
        "pricing_category", "consumed_quantity", "consumed_unit", "sku_price_details",
    )  # fmt: skip
    assert {charge[name] for name in empty} == {None}
    assert charge["list_cost"] == Decimal(2)


def test_what_a_sku_costs_without_a_price_id_has_the_skus(mine: FocusSource) -> None:
    assert mine.charge(row(SkuPriceId=""))["sku_price_id"] == "vm-1"


def test_microsofts_zero_list_and_contracted_costs_are_unknown(mine: FocusSource) -> None:
    zero = {"ListCost": "0", "ContractedCost": "0", "ListUnitPrice": "0"}
    names = {"ProviderName": "Microsoft", "InvoiceIssuerName": "Microsoft"}
    charge = mine.charge(row(ContractedUnitPrice="0", **zero, **names))
    assert (charge["list_cost"], charge["contracted_cost"]) == (Decimal("1.5"), Decimal("1.5"))
    assert (charge["list_unit_price"], charge["contracted_unit_price"]) == (None, None)


def test_zero_costs_of_others_are_zero(mine: FocusSource) -> None:
    charge = mine.charge(row(ListCost="0", ListUnitPrice="0"))
    assert (charge["list_cost"], charge["list_unit_price"]) == (Decimal(0), Decimal(0))


def test_credits_taxes_and_corrections_are_rows_of_their_own(mine: FocusSource) -> None:
    mine.save(
        "a.csv",
        row(BilledCost="-5", ChargeCategory="Credit"),
        row(BilledCost="0.4", ChargeCategory="Tax"),
        row(BilledCost="-1", ChargeClass="Correction", ChargePeriodStart="2026-09-30T00:00:00Z"),
    )
    charges = mine.rows()
    assert [charge["charge_category"] for charge in charges] == ["Credit", "Tax", "Usage"]
    assert [charge["charge_class"] for charge in charges] == [None, None, "Correction"]
    assert sum(charge["billed_cost"] for charge in charges) == Decimal("-5.6")


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([without("BilledCost")], "one.csv: column BilledCost is missing, without which it is no"),
        (
            [row(), row(ChargeCategory="Refund")],
            "row 2: ChargeCategory is 'Refund'; allowed: Usage",
        ),
        ([row(BilledCost="1,50")], "row 1: BilledCost is '1,50'; allowed: money"),
        ([row(ChargePeriodStart="02/10/2026")], "ChargePeriodStart is '02/10/2026'; allowed: time"),
        ([row(PricingCategory="Cheap")], "PricingCategory is 'Cheap'; allowed: Standard, Dynamic"),
        ([row(Tags="team a")], "row 1: Tags is team a; allowed: a JSON object"),
        ([row(Tags="[1]")], "row 1: Tags is [1]; allowed: a JSON object"),
        ([row(BillingCurrency="Credits")], "billing_currency is not an ISO 4217 code (Credits)"),
        ([row(BilledCost="")], "row 1: billed_cost is empty"),
        ([row(ChargePeriodEnd=ROW["ChargePeriodStart"])], "is not after charge_period_start"),
        (
            [without("ProviderName", "PublisherName", "InvoiceIssuerName")],
            "no column names a provider; add the option provider_name",
        ),
    ],
)
def test_what_cannot_be_read_is_a_sentence(
    mine: FocusSource, rows: list[dict[str, str]], sentence: str
) -> None:
    mine.save("one.csv", *rows)
    (said,) = mine.failures()
    assert sentence in said


def test_a_file_that_names_no_provider_takes_the_configured_one(tmp_path: Path) -> None:
    mine = FocusSource(tmp_path, options={"provider_name": "Elsewhere"})
    charge = mine.charge(without("ProviderName", "PublisherName", "InvoiceIssuerName"))
    assert (charge["provider_name"], charge["service_provider_name"]) == ("Elsewhere", "Elsewhere")


@pytest.mark.parametrize("text", [as_csv([ROW])[:-1], "", as_csv([ROW, ROW])[:-30]])
def test_a_csv_file_that_does_not_end_with_a_line_is_cut_off(mine: FocusSource, text: str) -> None:
    mine.save("one.csv").write_text(text)
    (said,) = mine.failures()
    assert said == f"one.csv is {'cut off: its last line does not end' if text else 'empty'}"
