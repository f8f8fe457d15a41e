"""Where an invoice's rows are: formats, record paths, unpivoted columns, lists beside them."""

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invoice_maps import Mapped, csv, plain

from connectors.invoice_mapping import _files
from connectors.invoice_mapping._records import records, segments
from models.errors import ContractError

TOTAL = "sum(billed_cost), count(*)"
LATIN = "day,cost,Stück\n2026-10-01,3.75,ü\n"
QUOTED = 'note,day,cost\n"two\nlines, ""x""",2026-10-01,3.75\n,2026-10-02,\n'
TWO = [{"day": "2026-10-01", "cost": 1.25}, {"day": "2026-10-02", "cost": 2.5}]


@pytest.fixture
def mapped(tmp_path: Path) -> Any:
    return lambda **changes: Mapped(tmp_path, plain(**changes))


def parquet(folder: Path, query: str) -> bytes:
    file = folder / "made.parquet"
    duckdb.execute(f"copy ({query}) to '{file}'")
    return file.read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "changes"),
    [
        ("sent.csv", csv("2026-10-01,1.25", "2026-10-02,2.50"), {}),
        ("sent.csv", "\ufeff" + csv("2026-10-01,1.25", "2026-10-02,2.50"), {}),
        ("sent.csv", csv("2026-10-01,1.25", "2026-10-02,2.50").replace("\n", "\r\n"), {}),
        ("sent.csv", QUOTED, {"where": "cost is not null"}),
        ("sent.csv", "Invoice 7\n\n" + csv("2026-10-01,3.75"), {"files": {"skip": 2}}),
        ("sent.csv", "day;cost\n2026-10-01;3.75\n", {"files": {"delimiter": ";"}}),
        ("sent.csv", LATIN.encode("latin-1"), {"files": {"encoding": "latin-1"}}),
        ("sent.csv", LATIN.encode("utf-16"), {"files": {"encoding": "utf-16"}}),
        ("sent.tsv", "day\tcost\n2026-10-01\t3.75\n", {}),
        ("sent.csv.gz", gzip.compress(csv("2026-10-01,3.75").encode(), mtime=0), {}),
        ("sent.txt", csv("2026-10-01,3.75"), {"files": {"format": "csv"}}),
        ("sent.json", json.dumps(TWO), {"records": "[]"}),
        ("sent.json", json.dumps({"a": {"b": TWO}}), {"records": "a.b[]"}),
        ("sent.json.gz", gzip.compress(json.dumps(TWO).encode(), mtime=0), {"records": "[]"}),
        ("sent.ndjson", "".join(json.dumps(row) + "\n" for row in TWO), {}),
    ],
)  # fmt: skip
def test_every_format_gives_its_rows(
    mapped: Any, name: str, content: Any, changes: dict[str, Any]
) -> None:
    ((total, _),) = mapped(**changes).quickly(TOTAL, content, name)
    assert total == Decimal("3.75")


def test_doubles_of_parquet_are_read_as_they_are_written_and_nested_values_as_json(
    mapped: Any, tmp_path: Path
) -> None:
    content = parquet(
        tmp_path,
        "select date '2026-10-01' as day, 0.1::double as cost, map {'a': 'b'} as labels "
        "union all select date '2026-10-02', 1e-7, map {}",
    )
    invoice = mapped(charges={"tags": "labels"})
    assert invoice.quickly("billed_cost, tags", content, "sent.parquet") == [
        (Decimal("0.1"), '{"a":"b"}'),
        (Decimal("1e-7"), "{}"),
    ]


DOCUMENT = {
    "currency": "EUR",
    "data": [
        {"date": "2026-10-01", "items": [{"cost": 1, "tags": {"team": "a", "n": 2}}, {"cost": 2}]},
        {"date": "2026-10-02", "items": []},
        {"date": "2026-10-03", "items": [{"cost": 4, "more": [1, 2]}]},
    ],
    "models": {"small": {"input": [{"n": 1}], "output": [{"n": 2}]}, "large": {}},
    "credits": {"plan": "-30", "promo": "-0.5"},
    "absent": None,
}


@pytest.mark.parametrize(
    ("path", "column", "values"),
    [
        ("data[].items[]", "cost", ["1", "2", "4"]),
        ("data[].items[]", "$.currency", ["EUR", "EUR", "EUR"]),
        ("data[].items[]", "$.data.date", ["2026-10-01", "2026-10-01", "2026-10-03"]),
        ("data[].items[]", "tags", ['{"team": "a", "n": "2"}', None, None]),
        ("data[].items[]", "tags.team", ["a", None, None]),
        ("data[].items[]", "more", [None, None, '["1", "2"]']),
        ("data[]", "date", ["2026-10-01", "2026-10-02", "2026-10-03"]),
        ("models{}.{}.[]", "n", ["1", "2"]),
        ("models{}.{}.[]", "key_1", ["small", "small"]),
        ("models{}.{}.[]", "key_2", ["input", "output"]),
        ("models{}.{}.[]", "key", ["input", "output"]),
        ("credits{}", "key", ["plan", "promo"]),
        ("credits{}", "value", ["-30", "-0.5"]),
        ("absent?.lines[]", "cost", []),
        ("absent[]?", "cost", []),
        ("", "currency", ["EUR"]),
    ],
)
def test_a_record_path_finds_records_and_what_is_around_them(
    path: str, column: str, values: list[str | None]
) -> None:
    document = json.loads(json.dumps(DOCUMENT), parse_float=str, parse_int=str)
    assert [row.get(column) for row in records(document, path, "a.json")] == values


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("lines[]", "a.json has no list $.lines: it is not an answer, or not all of it"),
        ("data{}", "a.json has no object $.data: it is not an answer of this vendor"),
        ("data[].items{}", "a.json has no object $.data.items: it is not an answer of this vendor"),
        ("absent", "a.json has no $.absent: it is not an answer, or not all of it"),
        ("currency.code", "a.json: $.currency is not an object with 'code'"),
    ],
)
def test_a_document_of_another_form_is_a_sentence(path: str, said: str) -> None:
    with pytest.raises(ContractError) as error:
        list(records(DOCUMENT, path, "a.json"))
    assert str(error.value) == said


@pytest.mark.parametrize("path", ["data[0]", "a..b", "a[]b", "[].", "a[]]"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is not a path such as"):
        segments(path)


@pytest.mark.parametrize("count", [1, 9, 10, 11, 20, 41])
def test_no_row_is_lost_between_batches(
    mapped: Any, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(_files, "_BATCH", 10)
    rows = [{"day": "2026-10-01", "cost": number} for number in range(count)]
    found = mapped(records="[]").quickly("billed_cost, x_row", json.dumps(rows), "sent.json")
    assert found == [(number, number + 1) for number in range(count)]


def test_rows_of_two_places_are_numbered_on_and_say_where_they_are_from(mapped: Any) -> None:
    invoice = mapped(
        records=[{"path": "usage[]"}, {"path": "credits[]"}],
        charges={"charge_description": "x_records"},
        categories=[
            {"column": "x_records", "matches": "credits", "category": "Credit"},
            {"category": "Usage"},
        ],
    )
    content = {"usage": TWO, "credits": [{"day": "2026-10-03", "cost": -1}]}
    columns = "x_row, charge_category, charge_description"
    assert invoice.quickly(columns, json.dumps(content), "sent.json") == [
        (1, "Usage", "usage[]"),
        (2, "Usage", "usage[]"),
        (3, "Credit", "credits[]"),
    ]


METERS = ("gpu", "cpu", "disk")


@pytest.fixture(scope="module")
def unpivoted(tmp_path_factory: pytest.TempPathFactory) -> Mapped:
    unpivot = {"columns": list(METERS), "name": "meter", "value": "cost"}
    content = plain(unpivot=unpivot, charges={"x_usage_type": "meter"})
    return Mapped(tmp_path_factory.mktemp("unpivot"), content)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(
        st.tuples(*[st.one_of(st.none(), st.decimals(-1000, 1000, places=5)) for _ in METERS]),
        min_size=1,
        max_size=12,
    )
)
def test_columns_that_become_rows_keep_their_sums(
    unpivoted: Mapped, rows: list[tuple[Decimal | None, ...]]
) -> None:
    lines = [
        ",".join(["2026-10-01", *("" if cell is None else f"{cell:f}" for cell in row)])
        for row in rows
    ]
    content = csv(*lines, columns=",".join(["day", *METERS]))
    found = unpivoted.quickly("x_row, x_usage_type, billed_cost", content)
    assert found == [
        (number, meter, cell)
        for number, row in enumerate(rows, start=1)
        for meter, cell in zip(METERS, row, strict=True)
        if cell is not None
    ]


PRICES: dict[str, Any] = {
    "records": "usage[]",
    "lookups": {
        "prices": {"records": "prices[]", "equal": ["meter", "tier"], "columns": ["price"]}
    },
    "charges": {"billed_cost": 'cost_of(quantity, "prices.price")'},
    "money": None,
}


def priced(mapped: Any, *prices: dict[str, Any]) -> Any:
    invoice = mapped(**PRICES)
    usage = [{"day": "2026-10-01", "meter": "input", "quantity": 3_000_001}]
    document = {"usage": usage, "prices": list(prices)}
    return lambda: invoice.quickly("billed_cost", json.dumps(document), "sent.json")


def test_a_price_is_looked_up_in_the_list_beside_the_rows(mapped: Any) -> None:
    found = priced(
        mapped,
        {"meter": "input", "price": "0.0000004"},
        {"meter": "input", "tier": "batch", "price": "0.0000002"},
        {"meter": "output", "price": "0.000001"},
        # The same line twice is the same line.
        {"meter": "input", "price": "0.0000004"},
    )
    assert found() == [(Decimal("1.2000004"),)]


def test_two_prices_of_one_meter_are_a_sentence_and_not_two_rows(mapped: Any) -> None:
    found = priced(mapped, {"meter": "input", "price": "1"}, {"meter": "input", "price": "2"})
    with pytest.raises(ContractError, match=r"lookups\.prices: input, None is there twice"):
        found()


def test_a_price_that_is_not_there_leaves_no_cost(mapped: Any) -> None:
    assert priced(mapped, {"meter": "output", "price": "1"})() == [(None,)]


@pytest.mark.parametrize(
    ("name", "content", "changes", "said"),
    [
        ("sent.csv", "", {}, "2026-10/sent.csv is empty"),
        ("sent.csv", "day,cost\n2026-10-01,1.2", {}, "is cut off: its last line does not end"),
        ("sent.csv", "day,price\n2026-10-01,1\n", {}, "column cost is missing; found day, price"),
        (
            "sent.csv.gz",
            gzip.compress(b"day,cost\n" * 99, mtime=0)[:-9],
            {},
            "is cut off or damaged",
        ),
        ("sent.json", "", {"records": "[]"}, "2026-10/sent.json is empty"),
        ("sent.json", '[{"day": "2026', {"records": "[]"}, "is not complete JSON"),
        (
            "sent.ndjson",
            '{"day": "2026-10-01"}\n{"day\n',
            {},
            "sent.ndjson, line 2 is not complete",
        ),
        ("sent.pdf", "%PDF", {}, "has no known ending; allowed: csv, tsv, json"),
    ],
)
def test_a_file_that_is_not_whole_or_of_another_form_is_a_sentence(
    mapped: Any, name: str, content: Any, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ContractError) as error:
        mapped(**changes).quickly("billed_cost", content, name)
    assert said in str(error.value)


def test_an_optional_column_may_be_absent(mapped: Any) -> None:
    invoice = mapped(optional=["project"], charges={"sub_account_id": "project"})
    found = invoice.quickly("sub_account_id, sub_account_type", csv("2026-10-01,1"))
    assert found == [(None, None)]
    columns = "sub_account_id, sub_account_name, sub_account_type"
    content = csv("2026-10-01,1,web", columns="day,cost,project")
    assert invoice.quickly(columns, content) == [("web", "web", "Project")]


def test_a_page_that_came_twice_is_a_sentence(mapped: Any) -> None:
    with pytest.raises(ContractError) as said:
        mapped(unique=["day"], records="[]").quickly("*", json.dumps([*TWO, TWO[1]]), "sent.json")
    assert str(said.value) == (
        "2026-10/sent.json, row 2, and 2026-10/sent.json, row 3, are both of "
        "day '2026-10-02 00:00:00': one of them came twice"
    )
