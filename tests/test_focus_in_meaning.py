"""What FOCUS rows mean: tokens, machines, commitments, who sells; our own exports read again."""

import csv
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from focus_in import FocusSource, row
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.tables import CHARGES

EXAMPLES = Path(__file__).parents[2] / "shared" / "samples" / "focus"
MONEY = [column.name for column in CHARGES.columns if column.type.startswith("decimal")]


@pytest.fixture
def mine(tmp_path: Path) -> FocusSource:
    return FocusSource(tmp_path)


def total(charges: Sequence[dict[str, Any]], column: str) -> Decimal:
    return sum((charge[column] for charge in charges), Decimal(0))


# --- tokens ---------------------------------------------------------------------------------------


def tokens(details: str, **columns: str) -> dict[str, str]:
    given = {"ConsumedQuantity": "500000", "ConsumedUnit": "Tokens", "SkuPriceDetails": details}
    return row(**given | columns)


def test_the_price_details_say_which_model_and_which_kind_of_token(mine: FocusSource) -> None:
    stated = {
        '{"ModelId": "m", "TokenDirection": "Input", "TokenCacheAction": "Uncached"}':
            "uncached_input",
        '{"x_ModelId": "m", "x_TokenDirection": "Input"}': "uncached_input",
        '{"ModelId": "m", "TokenDirection": "Input", "TokenCacheAction": "Read"}': "cache_read",
        '{"ModelId": "m", "TokenDirection": "Input", "TokenCacheAction": "Write"}':
            "cache_write_5m",
        '{"ModelId": "m", "TokenDirection": "Output"}': "output",
        '{"ModelId": "m", "TokenType": "Input"}': "uncached_input",
        '{"ModelId": "m", "TokenType": "Output"}': "output",
        '{"ModelId": "m", "TokenDirection": "Input", "TokenCacheAction": "Other"}': None,
        '{"ModelId": "m"}': None,
        '{"TokenDirection": "Output"}': None,
    }  # fmt: skip
    charges = mine.charges([tokens(details) for details in stated])
    for charge, (details, token_type) in zip(charges, stated.items(), strict=True):
        assert charge["x_token_type"] == token_type, details
        assert charge["x_charge_kind"] == ("tokens" if token_type else None), details
        assert charge["x_model"] == ("m" if token_type else None), details


def test_tokens_are_counted_one_by_one_whatever_the_unit(mine: FocusSource) -> None:
    details = '{"ModelId": "m", "TokenDirection": "Output"}'
    stated = (
        *(("1500000", "Tokens"), ("1500", "1000 Tokens")),
        *(("1500", "1K tokens"), ("1.5", "1M Tokens")),
    )
    charges = mine.charges(
        [tokens(details, ConsumedQuantity=quantity, ConsumedUnit=unit) for quantity, unit in stated]
    )
    counted = [(charge["consumed_quantity"], charge["consumed_unit"]) for charge in charges]
    assert counted == [(Decimal(1500000), "Tokens")] * len(stated)


def test_storage_of_tokens_is_no_token(mine: FocusSource) -> None:
    charge = mine.charge(tokens('{"ModelId": "m"}', ConsumedUnit="Token-Hours"))
    assert (charge["x_charge_kind"], charge["consumed_unit"]) == (None, "Token-Hours")


def test_a_cache_write_for_an_hour_says_so_in_its_meter(mine: FocusSource) -> None:
    details = '{"ModelId": "m", "TokenDirection": "Input", "TokenCacheAction": "Write"}'
    charge = mine.charge(tokens(details, SkuMeter="Cache Write 1h Tokens"))
    assert charge["x_token_type"] == "cache_write_1h"


# --- machines -------------------------------------------------------------------------------------


MACHINE = {"ServiceSubcategory": "Virtual Machines"}
EIGHT = {"SkuPriceDetails": '{"GpuCount": 8}'}


def test_hours_of_a_machine_are_its_billed_time(mine: FocusSource) -> None:
    given = {"ResourceId": "vm-7", "ConsumedQuantity": "1.5", "ConsumedUnit": "Hours"}
    stated: list[tuple[dict[str, str], int | None, int | None]] = [
        (EIGHT, 5_400_000, 8),
        ({"SkuPriceDetails": '{"GpuCount": "8"}', "ConsumedUnit": "GPU-Hours"}, 675_000, 8),
        (MACHINE, 5_400_000, None),
        (MACHINE | {"ConsumedUnit": "Seconds"}, 1_500, None),
        (MACHINE | {"ConsumedUnit": "vCPU-Hours"}, None, None),
        ({"ServiceSubcategory": "Containers"}, None, None),
        (EIGHT | {"ResourceId": ""}, None, None),
        (EIGHT | {"ChargeCategory": "Purchase"}, None, None),
        (EIGHT | {"CommitmentDiscountStatus": "Unused"}, None, None),
    ]
    charges = mine.charges([row(**given | columns) for columns, *_ in stated])
    for charge, (columns, milliseconds, gpus) in zip(charges, stated, strict=True):
        assert charge["x_billed_milliseconds"] == milliseconds, columns
        assert charge["x_gpu_count"] == gpus, columns
        assert charge["x_charge_kind"] == ("capacity" if milliseconds else None), columns


# --- who sells, hosts and invoices ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        # Amazon's own service, under two of its names.
        (
            {"ProviderName": "AWS", "PublisherName": "Amazon Web Services, Inc.",
             "InvoiceIssuerName": "Amazon Web Services, Inc."},
            ("Amazon Web Services, Inc.", "Amazon Web Services, Inc.", "AWS", "AWS"),
        ),
        # Another's software, from the marketplace.
        (
            {"ProviderName": "AWS", "PublisherName": "Tidepool, Inc.",
             "InvoiceIssuerName": "Amazon Web Services, Inc."},
            ("Amazon Web Services, Inc.", "Tidepool, Inc.", "Tidepool, Inc.", None),
        ),
        # Another's model, on Amazon's machines.
        (
            {"ProviderName": "AWS", "PublisherName": "Fathom AI",
             "InvoiceIssuerName": "AWS", "ServiceName": "Amazon Bedrock"},
            ("AWS", "Fathom AI", "Fathom AI", "AWS"),
        ),
        # A reseller invoices what a cloud sells.
        (
            {"ProviderName": "Microsoft", "PublisherName": "Microsoft",
             "InvoiceIssuerName": "Harborline"},
            ("Harborline", "Microsoft", "Microsoft", "Microsoft"),
        ),
        # Since 1.3 the file says who.
        (
            {"ServiceProviderName": "Fathom AI", "HostProviderName": "AWS",
             "InvoiceIssuerName": "AWS", "ProviderName": "", "PublisherName": ""},
            ("AWS", "Fathom AI", "Fathom AI", "AWS"),
        ),
    ],
)  # fmt: skip
def test_who_sells_and_who_invoices_are_apart(
    mine: FocusSource, columns: dict[str, str], expected: tuple[str | None, ...]
) -> None:
    charge = mine.charge(row(**columns))
    # FOCUS 1.2 has nothing billed where provider and issuer are not one string.
    assert charge["provider_name"] == charge["invoice_issuer_name"]
    names = ("invoice_issuer_name", "publisher_name", "service_provider_name", "host_provider_name")
    assert tuple(charge[name] for name in names) == expected


# --- worked examples of the specification ---------------------------------------------------------


def test_a_commitment_costs_what_was_paid_whether_used_or_not(mine: FocusSource) -> None:
    commitment = {
        "CommitmentDiscountId": "c-1",
        "CommitmentDiscountCategory": "Spend",
        "CommitmentDiscountType": "Commitment",
    }
    used = {"ChargeCategory": "Usage", "BilledCost": "0", "PricingCategory": "Committed"}
    mine.save(
        "a.csv",
        row(BilledCost="10", EffectiveCost="0", ChargeCategory="Purchase", **commitment),
        row(EffectiveCost="7.25", CommitmentDiscountStatus="Used", **commitment, **used),
        row(EffectiveCost="2.75", CommitmentDiscountStatus="Unused", **commitment, **used),
    )
    charges = mine.rows()
    assert total(charges, "billed_cost") == total(charges, "effective_cost") == Decimal(10)
    assert [charge["commitment_discount_quantity"] for charge in charges] == [
        Decimal("10"), Decimal("7.25"), Decimal("2.75"),
    ]  # fmt: skip
    assert {charge["commitment_discount_unit"] for charge in charges} == {"USD"}


def example(mine: FocusSource, file: Path, **columns: str) -> tuple[list[dict[str, str]], Any]:
    with file.open(newline="") as opened:
        rows = [columns | each for each in csv.DictReader(opened)]
    mine.save("one.csv", *rows)
    return rows, mine.rows()


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the specification's examples are not here")
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_commitment_scenarios_are_read_to_the_cent(mine: FocusSource, number: int) -> None:
    # The specification's excerpts leave out what these add.
    left_out = {"BillingCurrency": "USD", "ProviderName": "P", "SkuId": "s", "SkuPriceId": "s"}
    folder = EXAMPLES / "commitment_discount_scenarios"
    file = folder / f"commitment_discount_usage_scenario_{number}.csv"
    rows, charges = example(mine, file, **left_out)
    for name in ("BilledCost", "EffectiveCost", "CommitmentDiscountQuantity"):
        column = {"BilledCost": "billed_cost", "EffectiveCost": "effective_cost"}.get(
            name, "commitment_discount_quantity"
        )
        stated = [None if each[name] == "null" else Decimal(each[name]) for each in rows]
        assert [charge[column] for charge in charges] == stated
    covered = [charge for charge in charges if charge["commitment_discount_id"]]
    assert total(covered, "effective_cost") == Decimal(1)
    assert total(covered, "billed_cost") == Decimal(0)


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the specification's examples are not here")
@pytest.mark.parametrize(
    ("name", "token_types"),
    [
        ("ai_prompt_caching_a", ["uncached_input", "cache_write_5m", "cache_read", "output"]),
        ("ai_prompt_caching_b", ["uncached_input", "cache_read", "output", None]),
        ("drawdown_via_prepayment_foundation_model_api", [None, "uncached_input", "output"]),
        ("per_token_foundation_model_api", ["uncached_input", "output"]),
    ],
)
def test_draft_examples_of_ai_charges_are_read_to_the_cent(
    mine: FocusSource, name: str, token_types: list[str | None]
) -> None:
    file = EXAMPLES / "focus_1_5_draft_ai_examples" / f"{name}.csv"
    rows, charges = example(mine, file)
    for theirs, ours in (
        ("BilledCost", "billed_cost"),
        ("EffectiveCost", "effective_cost"),
        ("ListCost", "list_cost"),
        ("ContractedCost", "contracted_cost"),
        ("PricingQuantity", "pricing_quantity"),
    ):
        assert [charge[ours] for charge in charges] == [Decimal(each[theirs]) for each in rows]
    assert [charge["x_token_type"] for charge in charges] == token_types


# --- our own exports ------------------------------------------------------------------------------


def focus_name(column: str) -> str:
    name = "".join(word.capitalize() for word in column.removeprefix("x_").split("_"))
    return f"x_{name}" if column.startswith("x_") else name


def export(charges: Path, file: Path) -> None:
    """Write charges as the FOCUS export does: under FOCUS names, times as text."""
    names = [column.name for column in CHARGES.columns if column.name not in ("x_file", "x_row")]
    columns = ", ".join(f'{name} as "{focus_name(name)}"' for name in names)
    duckdb.execute(f"copy (select {columns} from read_parquet('{charges}')) to '{file}' (header)")


def charges_file(mine: FocusSource) -> Path:
    index = mine.lake.index().filter(table="charges", status="current")
    return mine.lake.root / index["file"][0]


AMOUNT = st.decimals(min_value=-1_000_000, max_value=1_000_000, places=12)
PRICE = st.decimals(min_value=0, max_value=1000, places=6)
QUANTITY = st.decimals(min_value=0, max_value=10_000, places=6)


@pytest.mark.slow
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.tuples(AMOUNT, AMOUNT, PRICE, PRICE, QUANTITY), min_size=1, max_size=20))
def test_an_export_that_is_read_again_is_the_same_money(
    tmp_path_factory: pytest.TempPathFactory, amounts: list[tuple[Decimal, ...]]
) -> None:
    first = FocusSource(tmp_path_factory.mktemp("first"))
    first.save(
        "a.csv",
        *(
            row(
                BilledCost=f"{billed:f}",
                EffectiveCost=f"{effective:f}",
                ListUnitPrice=f"{price:f}",
                ListCost=f"{price * quantity:f}",
                ContractedUnitPrice=f"{contracted:f}",
                ContractedCost=f"{contracted * quantity:f}",
                PricingQuantity=f"{quantity:f}",
            )
            for billed, effective, price, contracted, quantity in amounts
        ),
    )
    charges = first.rows()
    again = FocusSource(tmp_path_factory.mktemp("again"))
    again.saved.mkdir()
    export(charges_file(first), again.saved / "a.csv")
    assert [[charge[name] for name in MONEY] for charge in again.rows()] == [
        [charge[name] for name in MONEY] for charge in charges
    ]
    assert [charge["billed_cost"] for charge in charges] == [each[0] for each in amounts]
