import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from landed_source import LandedSource

from connectors.allocation_drivers import CONNECTOR

HEADER = "driver,timestamp,granularity,element,value"
ROW = "log_bytes,2026-10-08T09:30:00Z,HOURLY,customer:cust-001,12.5"


@pytest.fixture
def drivers(tmp_path: Path) -> LandedSource:
    return LandedSource(tmp_path, CONNECTOR)


def measures(drivers: LandedSource, *rows: str, header: str = HEADER) -> list[dict[str, Any]]:
    drivers.save("2026-10-08.csv", "\n".join((header, *rows)) + "\n")
    return drivers.rows()


def refused(drivers: LandedSource) -> list[tuple[str, str | None, str]]:
    rows = drivers.rows("quarantine")
    return [(row["column_name"], row["value"], row["reason"]) for row in rows]


def test_a_row_measures_one_member_in_the_hour_that_holds_its_time(drivers: LandedSource) -> None:
    (row,) = measures(drivers, ROW)
    assert (row["driver"], row["customer_id"], row["value"]) == (
        "log_bytes", "cust-001", Decimal("12.5"),
    )  # fmt: skip
    assert row["measured_from"] == datetime(2026, 10, 8, 9)
    assert row["measured_to"] == datetime(2026, 10, 8, 10)
    assert (row["feature"], row["team"], row["filter"]) == (None, None, None)
    assert (row["x_file"], row["x_row"]) == ("2026-10-08.csv", 1)


@pytest.mark.parametrize(
    ("granularity", "begins", "ends"),
    [
        ("DAILY", datetime(2026, 10, 8), datetime(2026, 10, 9)),
        ("MONTHLY", datetime(2026, 10, 1), datetime(2026, 11, 1)),
        ("hourly", datetime(2026, 10, 8, 22), datetime(2026, 10, 8, 23)),
    ],
)
def test_days_and_months_are_of_utc(
    drivers: LandedSource, granularity: str, begins: datetime, ends: datetime
) -> None:
    (row,) = measures(drivers, f"bytes,2026-10-09T00:10:00+02:00,{granularity},cust-001,1")
    assert (row["measured_from"], row["measured_to"]) == (begins, ends)


def test_an_interval_may_be_told_by_its_ends(drivers: LandedSource) -> None:
    (row,) = measures(
        drivers,
        "rows,2026-10-08 01:00:00,2026-10-08T01:15:00Z,7",
        header="driver,measured_from,measured_to,value",
    ) or [{}]  # fmt: skip
    assert row == {}
    assert refused(drivers) == [("element", None, "names nobody")]
    (row,) = measures(
        drivers,
        "rows,2026-10-08 01:00:00,2026-10-08T01:15:00Z,search,7",
        header="driver,measured_from,measured_to,feature,value",
    )
    assert (row["measured_to"], row["feature"]) == (datetime(2026, 10, 8, 1, 15), "search")


@pytest.mark.parametrize(
    ("element", "who"),
    [
        ('"{""customer"": ""c-1"", ""feature"": ""a;b""}"',
         {"customer_id": "c-1", "feature": "a;b"}),
        ("customer_id:c-1; team: x", {"customer_id": "c-1", "team": "x"}),
        ("c-1", {"customer_id": "c-1"}),
        ("model:org/llama:8b", {"model": "org/llama:8b"}),
    ],
)  # fmt: skip
def test_an_element_is_an_object_pairs_or_a_bare_name(
    drivers: LandedSource, element: str, who: dict[str, str]
) -> None:
    (row,) = measures(drivers, f"bytes,2026-10-08,DAILY,{element},1")
    assert {name: row[name] for name in who} == who


def test_what_a_bare_name_is_can_be_configured(tmp_path: Path) -> None:
    drivers = LandedSource(tmp_path, CONNECTOR, {"element": "feature", "driver": "bytes"})
    (row,) = measures(drivers, "2026-10-08,DAILY,search,1", header=HEADER.removeprefix("driver,"))
    assert (row["driver"], row["feature"], row["customer_id"]) == ("bytes", "search", None)


PROBLEMS: list[tuple[str, tuple[str, str | None, str]]] = [
    (",2026-10-08,DAILY,c,1", ("driver", None, "is empty")),
    ("d,,DAILY,c,1", ("timestamp", None, "is empty")),
    ("d,8 October,DAILY,c,1", ("timestamp", "8 October", "is not a time")),
    ("d,2026-10-08,WEEKLY,c,1",
     ("granularity", "WEEKLY", "is not HOURLY, DAILY or MONTHLY")),
    ("d,2026-10-08,DAILY,planet:c,1",
     ("element", "planet", "is not customer, feature, workflow, team, environment or model")),
    ('d,2026-10-08,DAILY,"{""a"": ",1', ("element", '{"a":', "is no JSON object")),
    ("d,2026-10-08,DAILY,c,", ("value", None, "is empty")),
    ("d,2026-10-08,DAILY,c,many", ("value", "many", "is not a number")),
    ("d,2026-10-08,DAILY,c,NaN", ("value", "NaN", "is not a number")),
    ("d,2026-10-08,DAILY,c,-Infinity", ("value", "-Infinity", "is not a number")),
    ("d,2026-10-08,DAILY,c,-0.1", ("value", "-0.1", "is negative")),
]  # fmt: skip


def test_what_cannot_be_used_is_quarantined_with_its_reason(drivers: LandedSource) -> None:
    good = measures(drivers, *(row for row, _ in PROBLEMS), ROW)
    assert [row["x_row"] for row in good] == [len(PROBLEMS) + 1]
    assert refused(drivers) == [problem for _, problem in PROBLEMS]
    days = {str(row["quarantined_day"]) for row in drivers.rows("quarantine")}
    assert days == {"1970-01-01", "2026-10-08"}


def test_values_of_one_member_and_hour_add_up(drivers: LandedSource) -> None:
    rows = measures(drivers, ROW, ROW, ROW.replace("12.5", "6e-12"))
    assert sum(row["value"] for row in rows) == Decimal("25.000000000006")


OPERATED = "operation,driver,timestamp,granularity,customer_id,feature,value"


def operated(drivers: LandedSource, *rows: str) -> list[tuple[str, str, Decimal]]:
    got = measures(drivers, *rows, header=OPERATED)
    return [(row["customer_id"], row["feature"], row["value"]) for row in got]


def test_a_replacement_takes_the_place_of_what_its_member_had(drivers: LandedSource) -> None:
    assert operated(
        drivers,
        "sum,d,2026-10-08,DAILY,a,x,1",
        "sum,d,2026-10-08,DAILY,b,x,2",
        "sum,d,2026-10-07,DAILY,a,x,4",
        "replace,d,2026-10-08,DAILY,a,x,8",
        "sum,d,2026-10-08,DAILY,a,x,16",
        "replace,e,2026-10-08,DAILY,a,x,32",
    ) == [("a", "x", 4), ("b", "x", 2), ("a", "x", 8), ("a", "x", 16), ("a", "x", 32)]


def test_a_deletion_takes_all_that_it_does_not_tell_apart(drivers: LandedSource) -> None:
    assert operated(
        drivers,
        "sum,d,2026-10-08,DAILY,a,x,1",
        "sum,d,2026-10-08,DAILY,a,y,2",
        "sum,d,2026-10-08,DAILY,b,y,4",
        "sum,d,2026-10-08,HOURLY,a,y,8",
        "delete,d,2026-10-08,DAILY,a,,",
    ) == [("b", "y", 4), ("a", "y", 8)]


def test_a_deletion_that_finds_nothing_is_shown(drivers: LandedSource) -> None:
    rows = ("delete,d,2026-10-08,DAILY,,,", "sum,d,2026-10-08,DAILY,a,x,1")
    assert operated(drivers, *rows) == [("a", "x", 1)]
    reason = "finds nothing to delete in the files of its day or month"
    assert refused(drivers) == [("operation", "delete", reason)]


def test_a_later_file_of_a_day_corrects_an_earlier_one_whatever_came_first(
    tmp_path: Path,
) -> None:
    row = "{op},d,2026-10-08,DAILY,a,x,{value}\n"
    files = {
        "2026-10-08/1.csv": f"{OPERATED}\n" + row.format(op="sum", value=1),
        "2026-10-08/2.csv": f"{OPERATED}\n" + row.format(op="replace", value=2),
    }
    for name, order in (("one", list(files)), ("other", list(reversed(files)))):
        drivers = LandedSource(tmp_path / name, CONNECTOR)
        for path in order:
            drivers.save(path, files[path])
            drivers.rows("quarantine")
        assert [row["value"] for row in drivers.rows()] == [2]
        assert drivers.lake.index()["slot"].unique().to_list() == ["2026-10-08"]


def test_cloudzeros_records_are_read(tmp_path: Path) -> None:
    drivers = LandedSource(tmp_path, CONNECTOR, {"driver": "records"})
    record = {
        "granularity": "DAILY", "element-name": "hooli", "filter": {"custom:Feature": ["search"]},
        "timestamp": "2020-01-25 00:00:00+00:00", "value": "250.0",
    }  # fmt: skip
    drivers.save("sum.json", json.dumps({"records": [record, record | {"value": 0.1}]}, indent=1))
    rows = drivers.rows()
    assert [(row["customer_id"], row["value"]) for row in rows] == [
        ("hooli", Decimal(250)), ("hooli", Decimal("0.1")),
    ]  # fmt: skip
    assert json.loads(rows[0]["filter"]) == record["filter"]
    assert rows[0]["measured_to"] == datetime(2020, 1, 26)


def test_parquet_and_packed_json_lines_are_read_to_the_last_digit(drivers: LandedSource) -> None:
    file = drivers.folder / "2026-10-08.parquet"
    duckdb.sql(
        "select 'd' as driver, date '2026-10-08' as timestamp, 'DAILY' as granularity, "
        "{'customer': 'a'} as element, 0.1::double as value "
        "union all select 'd', date '2026-10-08', 'DAILY', {'customer': 'b'}, 'nan'::double"
    ).write_parquet(str(file))
    drivers.save(
        "x/2026-10-08.jsonl.gz",
        '{"stream": "d", "timestamp": "2026-10-08", "granularity": "DAILY", "element": "c", '
        '"value": 123456789012345678.123456789012}\n\n'
        '{"stream": "d", "timestamp": "2026-10-08", "granularity": "DAILY", "element": "e", '
        '"value": -Infinity}\n',
    )
    rows = {row["customer_id"]: row["value"] for row in drivers.rows()}
    assert rows == {"a": Decimal("0.1"), "c": Decimal("123456789012345678.123456789012")}
    assert refused(drivers) == [
        ("value", "nan", "is not a number"), ("value", "-Infinity", "is not a number"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "text", "sentence"),
    [
        ("a.csv", "driver,values\nd,1\n", "a.csv: column values is not known; allowed: driver, "),
        ("a.csv", "driver,timestamp\nd,1\n", "a.csv: column value is missing; found driver, "),
        ("a.csv", f"{HEADER}\n{ROW}", "mine: a.csv is cut off: its last line does not end"),
        ("a.jsonl", "", "mine: a.jsonl is empty"),
        (
            "a.jsonl",
            '{"value": 1\n',
            'mine a.jsonl: a file cannot be read: Invalid Input Error: no JSON: {"value": 1',
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(
    drivers: LandedSource, path: str, text: str, sentence: str
) -> None:
    drivers.save(path, text)
    (failure,) = drivers.failures().values()
    assert failure.startswith(sentence)
    assert "\n" not in failure
