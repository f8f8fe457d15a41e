import gzip
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors import all_connectors
from connectors._base import Source, Window
from connectors._lake import Lake
from connectors._normalize import normalize

LIFECYCLE = all_connectors()["node_lifecycle"]
COLUMNS = "resource_id,gpu_index,gpu_count,pool,pod_uid,model,state,started_at,ended_at"
READY = "i-1,0,8,chat,pod-1,llama,ready,2026-10-01T10:00:00.000Z,2026-10-01T11:00:00.250Z"


class Lifecycle:
    """A folder of lifecycle files and the lake that they land in."""

    def __init__(self, root: Path) -> None:
        self.folder, self.lake = root / "nodes", Lake(root / "lake")
        self.folder.mkdir()
        self.source = Source("nodes", str(self.folder), LIFECYCLE.options())

    def write(self, *rows: str, columns: str = COLUMNS, name: str = "day.csv") -> None:
        (self.folder / name).parent.mkdir(exist_ok=True)
        text = "".join(f"{line}\n" for line in (columns, *rows)).encode()
        (self.folder / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)

    def failures(self) -> dict[str, str]:
        landing = self.lake.land(self.source, LIFECYCLE, Window()).failures
        return landing | normalize(self.lake, self.source, LIFECYCLE)

    def rows(self, table: str = "resource_states") -> list[dict[str, Any]]:
        assert self.failures() == {}
        files = self.lake.index().filter(table=table)["file"]
        rows = duckdb.read_parquet([str(self.lake.root / file) for file in files]).pl()
        return rows.sort("x_file", "x_row", maintain_order=True).to_dicts()

    def intervals(self) -> list[tuple[str, str]]:
        return [(str(row["started_at"]), str(row["ended_at"])) for row in self.rows()]


@pytest.fixture
def lifecycle(tmp_path: Path) -> Lifecycle:
    return Lifecycle(tmp_path)


def test_a_row_is_a_state_interval_and_an_empty_field_is_null(lifecycle: Lifecycle) -> None:
    whole = "i-2,,,,,,node_ready,2026-10-01T10:00:00.000Z,2026-10-01T11:00:00.000Z"
    lifecycle.write(READY, whole)
    gpu, node = lifecycle.rows()
    assert (gpu["resource_id"], gpu["gpu_index"], gpu["gpu_count"]) == ("i-1", 0, 8)
    assert (gpu["pool"], gpu["pod_uid"], gpu["model"]) == ("chat", "pod-1", "llama")
    assert (gpu["state"], gpu["x_file"], gpu["x_row"]) == ("ready", "day.csv", 1)
    assert str(gpu["ended_at"]) == "2026-10-01 11:00:00.250000"
    assert {node[name] for name in ("gpu_index", "gpu_count", "pool", "pod_uid", "model")} == {None}


def test_columns_that_need_not_be_there_may_be_left_out_and_files_be_packed(
    lifecycle: Lifecycle,
) -> None:
    lifecycle.write(
        "i-1,ready,2026-10-01T10:00:00Z,2026-10-01T11:00:00Z",
        columns="resource_id,state,started_at,ended_at",
        name="a/day.csv.gz",
    )
    assert lifecycle.rows()[0]["x_file"] == "a/day.csv.gz"
    assert lifecycle.intervals() == [("2026-10-01 10:00:00", "2026-10-01 11:00:00")]


def test_a_zone_is_converted_and_without_one_it_is_utc(lifecycle: Lifecycle) -> None:
    lifecycle.write("i-1,,,,,,ready,2026-10-01T02:00:00+02:00,2026-10-01 01:00:00")
    assert lifecycle.intervals() == [("2026-10-01 00:00:00", "2026-10-01 01:00:00")]


def test_an_interval_over_midnight_becomes_a_row_a_day(lifecycle: Lifecycle) -> None:
    lifecycle.write("i-1,,,,,,ready,2026-10-01T23:00:00Z,2026-10-03T00:00:00Z")
    assert lifecycle.intervals() == [
        ("2026-10-01 23:00:00", "2026-10-02 00:00:00"),
        ("2026-10-02 00:00:00", "2026-10-03 00:00:00"),
    ]
    index = lifecycle.lake.index().filter(table="resource_states")
    assert index["delivered"][0][0]["rows"] == 1
    assert [str(day["day"]) for day in index["days"][0]] == ["2026-10-01", "2026-10-02"]


@pytest.mark.parametrize(
    ("row", "column", "value", "reason"),
    [
        ("i-1,,,,,,ready,2026-10-01T10:00:00Z,2026-10-01T10:00:00Z", "ended_at",
         "2026-10-01T10:00:00Z", "is not after started_at"),
        ("i-1,,,,,,ready,2026-10-01T10:00:00Z,2026-09-01T10:00:00Z", "ended_at",
         "2026-09-01T10:00:00Z", "is not after started_at"),
        ("i-1,8,8,,,,ready,2026-10-01T10:00:00Z,2026-10-01T11:00:00Z", "gpu_index", "8",
         "is not between 0 and gpu_count - 1"),
        ("i-1,-1,,,,,ready,2026-10-01T10:00:00Z,2026-10-01T11:00:00Z", "gpu_index", "-1",
         "is not between 0 and gpu_count - 1"),
    ],
)  # fmt: skip
def test_an_impossible_interval_is_quarantined_with_its_reason(
    lifecycle: Lifecycle, row: str, column: str, value: str, reason: str
) -> None:
    lifecycle.write(READY, row)
    assert [good["x_row"] for good in lifecycle.rows()] == [1]
    (bad,) = lifecycle.rows("quarantine")
    assert (bad["column_name"], bad["value"], bad["reason"]) == (column, value, reason)
    assert (str(bad["quarantined_day"]), bad["x_row"]) == ("2026-10-01", 2)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"{COLUMNS}\n{READY}\n{READY.replace('ready', 'asleep')}\n",
         "nodes day.csv: file day.csv, row 2: state is 'asleep'; allowed: provisioning, node_ready,"
         " starting, ready, terminating"),
        (f"{COLUMNS}\n{READY.replace('ready', '')}\n",
         "nodes day.csv: file day.csv, row 1: state is empty"),
        (f"{COLUMNS}\n{READY.replace('i-1', '')}\n",
         "nodes day.csv: file day.csv, row 1: resource_id is empty"),
        (f"{COLUMNS}\n{READY.replace('T11:', 'T25:')}\n",
         "nodes day.csv: file day.csv, row 1: ended_at is '2026-10-01T25:00:00.250Z'; allowed: "
         "time"),
        (f"{COLUMNS}\n{READY.replace(',8,', ',eight,')}\n",
         "nodes day.csv: file day.csv, row 1: gpu_count is 'eight'; allowed: integer"),
        (f"{COLUMNS.replace('state,', 'status,')}\n{READY}\n",
         "nodes day.csv: column state is missing; found "),
        (f"{COLUMNS}\n{READY},more\n", "nodes day.csv: a file cannot be read: "),
        (f"{COLUMNS}\n{READY}", "nodes: day.csv is cut off: its last line does not end"),
        ("", "nodes: day.csv is empty"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_one_sentence(
    lifecycle: Lifecycle, text: str, sentence: str
) -> None:
    (lifecycle.folder / "day.csv").write_text(text)
    (failure,) = lifecycle.failures().values()
    assert failure.startswith(sentence)
    assert "\n" not in failure


def test_a_packed_file_that_is_cut_off_is_refused(lifecycle: Lifecycle) -> None:
    lifecycle.write(READY, name="day.csv.gz")
    file = lifecycle.folder / "day.csv.gz"
    file.write_bytes(file.read_bytes()[:-9])
    assert lifecycle.failures()["day.csv.gz"].startswith("nodes: day.csv.gz is cut off or damaged")


def test_a_file_without_intervals_is_a_day_on_which_nothing_ran(lifecycle: Lifecycle) -> None:
    lifecycle.write()
    assert lifecycle.rows() == []
