"""GCP's billing export in files: a file is a load, loads add up, and none counts twice."""

import gzip
import os
import shutil
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq
import pytest
from bigquery_table import SCHEMA, to_arrow
from gcp_rows import Gcp, credit, row
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors._base import Window
from connectors._lake import Lake


@pytest.fixture
def gcp(tmp_path: Path) -> Gcp:
    return Gcp(tmp_path)


def touch(file: Path, seconds: int) -> None:
    os.utime(file, (seconds, seconds))


def test_a_repeated_load_adds_nothing(gcp: Gcp) -> None:
    file = gcp.write("b.json", row(1), row(2))
    assert gcp.landed() == 3

    for name in ("a.json", "c.json"):
        shutil.copyfile(file, gcp.folder / name)

    assert gcp.landed() == 3
    assert list(gcp.lake.manifests("gcp")) == ["b.json"]


def test_a_load_that_was_repeated_before_the_first_run_counts_once(gcp: Gcp) -> None:
    content = gzip.compress(gcp.write("a.json", row(1)).read_bytes())
    for name in ("b.json.gz", "c.json.gz"):
        (gcp.folder / name).write_bytes(content)
    (gcp.folder / "a.json").unlink()

    assert gcp.landed() == 1
    assert list(gcp.lake.manifests("gcp")) == ["b.json.gz"]


def test_a_file_that_was_overwritten_with_another_load_delivers_nothing_any_more(gcp: Gcp) -> None:
    first, second = gcp.write("a.json", row(1)), gcp.write("b.json", row(20))
    assert gcp.billed() == 21

    shutil.copyfile(first, second)
    assert gcp.billed() == 1

    gcp.write("b.json", row(300))
    assert gcp.billed() == 301


def test_a_copy_counts_once_what_it_is_a_copy_of_is_something_else(gcp: Gcp) -> None:
    first, second = gcp.write("a.json", row(1)), gcp.write("b.json", row(20))
    assert gcp.landed() == 21
    shutil.copyfile(first, second)
    assert gcp.landed() == 1

    gcp.write("a.json", row(4000))

    assert gcp.landed() == 4001
    assert gcp.landed() == 4001


def test_a_file_that_was_renamed_is_the_same_load(gcp: Gcp) -> None:
    file = gcp.write("a.json", row(1))
    assert gcp.landed() == 1

    file.rename(gcp.folder / "b.json")

    assert gcp.landed() == 1


def test_a_file_that_grew_replaces_what_it_was(gcp: Gcp) -> None:
    gcp.write("a.json", row(1))
    assert gcp.landed() == 1

    gcp.write("a.json", row(1), row(5))

    assert gcp.landed() == 6


def test_rows_of_the_same_usage_add_up(gcp: Gcp) -> None:
    gcp.write("a.json", row(1), row(1), row("-0.25"))
    gcp.write("b.json", row(1, export_time="2026-10-09 03:00:00 UTC"))

    charges = gcp.charges()

    assert sorted(charge["billed_cost"] for charge in charges) == [Decimal("-0.25"), 1, 1, 1]


@pytest.mark.parametrize("newest_first", [False, True])
def test_the_newest_state_of_a_file_is_in_force_whatever_arrives_first(
    gcp: Gcp, tmp_path: Path, newest_first: bool
) -> None:
    states = [(1_790_000_000, 1), (1_790_009_000, 50)]
    for seconds, cost in reversed(states) if newest_first else states:
        touch(gcp.write("a.json", row(cost)), seconds)
        gcp.landed()

    assert gcp.landed() == 50


def test_a_run_that_is_killed_before_the_index_is_written_ends_as_an_undisturbed_one(
    gcp: Gcp, monkeypatch: pytest.MonkeyPatch
) -> None:
    gcp.write("a.json", row(1))
    assert gcp.billed() == 1
    gcp.write("b.json", row(2))
    before = gcp.lake.index()

    def killed(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "replace_in_index", killed)
        with pytest.raises(KeyboardInterrupt):
            gcp.run()
    assert gcp.lake.index().equals(before)

    assert gcp.billed() == 3


def test_a_download_that_is_killed_leaves_nothing_and_is_made_again(
    gcp: Gcp, monkeypatch: pytest.MonkeyPatch
) -> None:
    gcp.write("a.json", row(1))

    def killed(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("connectors._lake.os.replace", killed)
        with pytest.raises(KeyboardInterrupt):
            gcp.run()
    assert gcp.lake.manifests("gcp") == {}

    assert gcp.landed() == 1


amounts = st.decimals(min_value=-1000, max_value=1000, places=6, allow_nan=False)


@settings(max_examples=5, deadline=None)
@given(
    costs=st.lists(st.tuples(amounts, st.lists(amounts, max_size=3)), min_size=1, max_size=9),
    data=st.data(),
)
def test_any_split_of_the_rows_into_files_has_the_same_total(
    costs: list[tuple[Decimal, list[Decimal]]], data: st.DataObject
) -> None:
    files: dict[str, list[dict[str, object]]] = {}
    for number, (cost, credits) in enumerate(costs):
        # A name for each row: files with equal rows would be one load.
        found = row(
            str(cost),
            resource={"name": f"bucket-{number}", "global_name": None},
            credits=[credit("DISCOUNT", str(amount)) for amount in credits],
        )
        files.setdefault(data.draw(st.sampled_from("abcd")), []).append(found)
    with TemporaryDirectory() as folder:
        gcp = Gcp(Path(folder))
        for name, rows in files.items():
            gcp.write(f"{name}.ndjson", *rows)

        assert gcp.landed() == sum(cost + sum(credits) for cost, credits in costs)


def test_amounts_keep_every_digit_of_a_number_and_of_a_text(gcp: Gcp) -> None:
    text = '{"cost": 0.12345678901234567890123, "credits": [{"type": "DISCOUNT", "amount": -1e-7}]}'
    whole = gcp.write("a.json", row("0.1")).read_text().strip()
    merged = whole.replace('"cost": "0.1"', text.partition(", ")[0][1:])
    merged = merged.replace('"credits": []', text.partition(", ")[2][:-1])
    (gcp.folder / "a.json").write_text(merged + "\n")

    (charge,) = gcp.charges()

    assert charge["billed_cost"] == Decimal("0.123456689012")
    (total,) = gcp.lake.index().filter(table="charges")["delivered"][0]
    assert Decimal(total["amount"]) == Decimal("0.12345668901234567890123")
    assert Decimal(total["amount"]) - Decimal(total["rounding"]) == charge["billed_cost"]


def test_parquet_and_json_of_the_same_rows_are_the_same_charges(tmp_path: Path) -> None:
    rows = [
        row(0.1 + 0.2, credits=[credit("PROMOTION", -0.1)]),
        row(
            "0.000004",
            price={"effective_price": "0.020000001", "pricing_unit_quantity": "1"},
            labels=[{"key": "team", "value": "knowledge"}],
            tags=[{"key": "env", "value": "prod", "inherited": True, "namespace": "42"}],
            consumption_model={"id": "7754-699E-0EBF", "description": "Default"},
        ),
    ]
    found = []
    for kind in ("json", "parquet"):
        (tmp_path / kind).mkdir()
        gcp = Gcp(tmp_path / kind)
        if kind == "json":
            gcp.write("rows.json", *rows)
        else:
            pq.write_table(to_arrow(rows, SCHEMA), gcp.folder / "rows.parquet")
        found.append([
            {name: cell for name, cell in charge.items() if name not in ("x_file", "x_delivery_id")}
            for charge in gcp.charges()
        ])  # fmt: skip

    assert found[0] == found[1]
    assert found[0][0]["billed_cost"] == Decimal("0.30000000000000004").quantize(Decimal("1e-12"))


def test_columns_that_an_older_table_lacks_are_null(gcp: Gcp) -> None:
    older = SCHEMA
    for name in ("price", "tags", "consumption_model", "subscription", "resource", "cost_at_list"):
        older = older.remove(older.get_field_index(name))
    pq.write_table(to_arrow([row(5)], older), gcp.folder / "rows.parquet")

    (charge,) = gcp.charges()

    assert charge["billed_cost"] == charge["list_cost"] == 5
    assert charge["list_unit_price"] == charge["contracted_unit_price"] == 5
    assert (charge["tags"], charge["resource_id"]) == (None, None)


def test_a_column_that_must_be_there_is_named(gcp: Gcp) -> None:
    schema = SCHEMA.remove(SCHEMA.get_field_index("cost"))
    pq.write_table(to_arrow([row(5)], schema), gcp.folder / "rows.parquet")

    (sentence,) = gcp.run().values()

    assert "column cost is missing" in sentence


UNKNOWN: list[tuple[dict[str, Any], str]] = [
    ({"cost_type": "gift"}, "cost_type is 'gift'; allowed: regular, tax, adjustment, "),
    ({"credits": [credit("GIFT", -1)]}, "credit_type is 'GIFT'; allowed: PROMOTION, "),
    (
        {"adjustment_info": {"id": "1", "type": "GIFT"}},
        "adjustment_info_type is 'GIFT'; allowed: USAGE_CORRECTION, ",
    ),
    ({"cost": "1,5"}, "cost is '1,5'; allowed: money"),
    ({"credits": [credit("PROMOTION", "-1 $")]}, "credit_amount is '-1 $'; allowed: money"),
    ({"usage_start_time": "yesterday"}, "usage_start_time is 'yesterday'; allowed: time"),
    ({"cost": None}, "billed_cost is empty"),
    ({"invoice": {"month": None}}, "billing_period_start is empty"),
]


def test_what_nobody_knows_is_refused_with_its_place(gcp: Gcp) -> None:
    for number, (changes, _) in enumerate(UNKNOWN):
        gcp.write(f"{number}.json", row(1), {**row(1), **changes})

    said = gcp.run()

    for number, (_, sentence) in enumerate(UNKNOWN):
        assert f"file {number}.json, row 2: {sentence}" in said[f"{number}.json"]


def test_files_that_are_cut_off_are_refused(gcp: Gcp) -> None:
    content = gzip.compress(gcp.write("a.json", *[row(1)] * 50).read_bytes())
    (gcp.folder / "a.json").unlink()
    (gcp.folder / "a.json.gz").write_bytes(content[:-20])
    (gcp.folder / "b.parquet").write_bytes(b"PAR1 and no end")

    assert gcp.run() == {
        "a.json.gz": "a.json.gz: the gzip file is truncated or damaged",
        "b.parquet": "b.parquet: the Parquet file is truncated or damaged",
    }


def test_a_window_does_not_leave_out_a_file_for_its_name(gcp: Gcp) -> None:
    gcp.write("2026-09.json", row(1))

    assert gcp.run(Window("2026-10", "2026-10")) == {}
    assert gcp.landed() == 1


def test_totals_are_kept_by_invoice_month(gcp: Gcp) -> None:
    gcp.write("a.json", row(1), row(2, invoice__month="202611"), row(4))
    gcp.run()

    delivered = gcp.lake.index().filter(table="charges")["delivered"][0]

    assert [(total["billing_period"], total["rows"]) for total in delivered] == [
        ("2026-10", 2),
        ("2026-11", 1),
    ]
