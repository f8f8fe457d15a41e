"""Immutable versions of a period's export: when there is a new one, and what it says."""

import json
import re
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from export_warehouse import (
    BILL,
    COSTS,
    TRACES,
    Cost,
    Slot,
    read_csv,
    write_settings,
    write_warehouse,
)

import pipelines.exports as exports
from models.errors import ConfigError
from pipelines.exports import ExportResult, export_all, export_period
from pipelines.settings import Settings
from pipelines.warehouse import read_published


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return write_settings(tmp_path)


def manifest_of(result: ExportResult) -> dict[str, object]:
    return json.loads((result.folder / "manifest.json").read_text())  # type: ignore[no-any-return]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_content_makes_no_new_version_whatever_was_built_again(settings: Settings) -> None:
    write_warehouse(settings)
    first = export_period(settings, "2026-10")
    before = contents(first.folder)
    write_warehouse(settings, digest="built again, elsewhere")
    again = export_period(settings, "2026-10")

    assert (first.is_new, again.is_new) == (True, False)
    assert again.folder == first.folder
    assert contents(first.folder) == before
    assert sorted(path.name for path in first.folder.parent.iterdir()) == ["latest", "v0001"]


def test_an_unchanged_warehouse_is_not_read_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_warehouse(settings)
    first = export_period(settings, "2026-10")
    monkeypatch.setattr(exports, "write_table", None)

    assert export_period(settings, "2026-10") == replace(first, is_new=False)


def test_new_input_makes_a_new_version_that_says_the_delta(settings: Settings) -> None:
    write_warehouse(settings, [*COSTS, Cost("cust-3", "1.10"), Cost("cust-4", "0.90")])
    first = export_period(settings, "2026-10")
    before = contents(first.folder)
    newer = replace(BILL, version="20261104T060000Z")
    write_warehouse(settings, [*COSTS, Cost("cust-1", "14.34")], slots=[newer, TRACES])
    second = export_period(settings, "2026-10")

    assert second.is_new
    assert second.folder.name == "v0002"
    assert contents(first.folder) == before
    manifest = manifest_of(second)
    assert manifest["previous_version"] == "v0001"
    changes = manifest["changes"]
    assert isinstance(changes, list)
    assert changes[0] == "customer_costs: effective_cost +12.34 USD, -2 rows"
    assert "ledger: effective_cost +12.34 USD, -1 rows" in changes
    assert "focus_1_2: billed_cost +12.34 USD, effective_cost +12.34 USD, -1 rows" in changes
    assert changes[-1] == (
        "openai 2026-10: delivery openai/2026-10/20261104T060000Z in place of "
        "openai/2026-10/20261103T060000Z"
    )
    assert not [change for change in changes if re.match("unallocated|reconciliation", change)]


def test_a_cost_that_moves_between_customers_is_a_change_without_a_delta(
    settings: Settings,
) -> None:
    write_warehouse(settings)
    export_period(settings, "2026-10")
    write_warehouse(settings, [replace(COSTS[0], customer="cust-3"), *COSTS[1:]])
    changes = export_period(settings, "2026-10").manifest.changes

    assert "customer_costs: other content, the same totals" in changes
    assert "the same deliveries: the configuration or the program has changed" in changes


def test_a_delivery_that_comes_goes_or_is_normalized_again_is_named(settings: Settings) -> None:
    write_warehouse(settings)
    export_period(settings, "2026-10")
    slots = [replace(BILL, fingerprint="f2"), Slot("runpod", "2026-10", "a1")]
    write_warehouse(settings, COSTS[:2], slots)
    changes = export_period(settings, "2026-10").manifest.changes

    assert changes[-3:] == (
        "openai 2026-10: normalized again",
        "runpod 2026-10: a new delivery, runpod/2026-10/a1",
        "traces 2026-10-05.jsonl: no delivery any more",
    )


def test_a_tiny_delta_is_said_to_its_last_digit(settings: Settings) -> None:
    write_warehouse(settings)
    export_period(settings, "2026-10")
    write_warehouse(settings, [*COSTS[:2], Cost("cust-2", "-30.000000000001")])
    changes = export_period(settings, "2026-10").manifest.changes

    assert changes[0] == "customer_costs: effective_cost -0.000000000001 USD"


def test_content_that_was_there_before_the_last_version_is_a_version_again(
    settings: Settings,
) -> None:
    versions = []
    for costs in (COSTS, COSTS[:1], COSTS):
        write_warehouse(settings, costs)
        versions.append(export_period(settings, "2026-10"))

    assert [version.folder.name for version in versions] == ["v0001", "v0002", "v0003"]
    assert versions[0].manifest.files == versions[2].manifest.files


def test_latest_names_the_newest_version_also_after_an_interruption(settings: Settings) -> None:
    write_warehouse(settings)
    latest = export_period(settings, "2026-10").folder.parent / "latest"
    assert latest.read_text() == "v0001\n"
    latest.unlink()
    export_period(settings, "2026-10")
    assert latest.read_text() == "v0001\n"


def test_a_version_that_was_moved_away_is_written_again(settings: Settings, tmp_path: Path) -> None:
    write_warehouse(settings)
    export_period(settings, "2026-10")
    write_warehouse(settings, COSTS[:1])
    second = export_period(settings, "2026-10")
    before = contents(second.folder)
    second.folder.rename(tmp_path / "moved")

    again = export_period(settings, "2026-10")
    assert again.is_new
    assert contents(again.folder) == before


# --- the same bytes -------------------------------------------------------------------------------


@pytest.mark.slow
def test_bytes_depend_neither_on_threads_nor_on_the_order_in_which_rows_were_written(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for threads in (1, 2, 4):

        def opened(settings: Settings, threads: int = threads) -> duckdb.DuckDBPyConnection:
            connection = read_published(settings)
            connection.execute(f"set threads = {threads}")
            return connection

        monkeypatch.setattr(exports, "read_published", opened)
        write_warehouse(settings)
        add_many_rows(settings, seed=threads)
        result = export_period(replace(settings, exports=tmp_path / str(threads)), "2026-10")
        assert result.manifest.tables[3].rows == 150_000 + len(COSTS)
        found.append(contents(result.folder))

    assert found[0] == found[1] == found[2]


def add_many_rows(settings: Settings, seed: int) -> None:
    """Add more rows than a row group of Parquet holds; many of them share every key."""
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(
            f"""
            insert into marts.allocated_costs
            select * replace (
                (number % 700)::varchar as charge_group_id,
                'cust-' || (number % 900) as customer_id,
                number * 0.000000000001 as effective_cost
            )
            from (select * from marts.allocated_costs limit 1) as template
            cross join range(150000) as numbers (number)
            order by hash(number, {seed})
        """.replace("select * replace", "select template.* replace")
        )


# --- what goes wrong ------------------------------------------------------------------------------


def test_an_interrupted_export_leaves_no_version_and_the_next_ends_with_the_same_bytes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_warehouse(settings)
    with monkeypatch.context() as patch:
        patch.setattr(exports, "publish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            export_period(settings, "2026-10")
    folder = settings.exports / "2026-10"
    assert not list(folder.iterdir())
    # As `kill -9` leaves it: nobody cleans up.
    (folder / ".incoming-4711").mkdir()
    (folder / ".incoming-4711" / "ledger.csv").write_text("half a li")

    result = export_period(settings, "2026-10")
    assert sorted(path.name for path in folder.iterdir()) == ["latest", "v0001"]
    assert len(read_csv(result, "ledger")) == len(COSTS)


def test_a_period_that_nobody_delivered_is_one_sentence(settings: Settings) -> None:
    write_warehouse(settings)
    with pytest.raises(
        ConfigError, match=r"^2026-09: no bill of this period was delivered; delivered: 2026-10$"
    ):
        export_period(settings, "2026-09")
    assert not settings.exports.exists()


def test_without_a_warehouse_the_sentence_says_what_to_do(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="unitledger run"):
        export_all(settings)


def test_a_folder_that_cannot_be_written_is_one_sentence(settings: Settings) -> None:
    write_warehouse(settings)
    settings.exports.write_text("a file stands here")
    with pytest.raises(ConfigError, match="exports: cannot be written: "):
        export_all(settings)


def test_a_manifest_that_cannot_be_read_is_one_sentence(settings: Settings) -> None:
    write_warehouse(settings)
    result = export_period(settings, "2026-10")
    (result.folder / "manifest.json").write_text("{")
    with pytest.raises(ConfigError, match=r"v0001/manifest.json: cannot be read"):
        export_period(settings, "2026-10")
