"""Which runs of Azure's exports are in force: by manifest, newest, whole, and no cost twice."""

import json
import os
import re
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from azure_exports import SUBSCRIPTION, Exports, csv_bytes, line

from connectors import _files
from connectors._base import Window
from connectors._lake import Lake
from connectors.azure_cost_export import CONNECTOR
from models.errors import ConfigError, ContractError, FetchError

EARLY, LATE = "2026-10-20T05:00:00.5Z", "2026-11-01T05:00:00.1234567Z"


@pytest.fixture
def exports(tmp_path: Path) -> Exports:
    return Exports(tmp_path)


def slot(exports: Exports) -> str:
    (name,) = exports.lake.manifests("azure")
    return name


def test_the_newest_run_of_a_month_replaces_the_others_in_whatever_order_they_come(
    exports: Exports,
) -> None:
    exports.run([line("6"), line("7.5")], submitted=LATE)
    assert exports.read() == {}
    assert exports.total() == Decimal("13.5")
    exports.run([line("6")], submitted=EARLY, days=("2026-10-01", "2026-10-19"))
    assert exports.read() == {}
    assert exports.total() == Decimal("13.5")
    exports.run([line("6"), line("8")], submitted="2026-11-01T05:00:00.1234568Z")
    assert exports.read() == {}
    assert exports.total() == Decimal(14)
    assert len(exports.lake.manifests("azure")[slot(exports)]) == 2


def test_an_export_that_overwrites_its_report_is_read_again(exports: Exports) -> None:
    folder = exports.run([line("6")], submitted=EARLY)
    assert exports.read() == {}
    shutil.rmtree(folder)
    exports.run([line("9")], submitted=LATE)
    assert exports.read() == {}
    assert exports.total() == Decimal(9)


def test_months_and_scopes_are_slots_of_their_own(exports: Exports) -> None:
    exports.run([line("6")])
    november = {"BillingPeriodStartDate": "11/01/2026", "BillingPeriodEndDate": "11/30/2026"}
    exports.run([line("2", Date="11/02/2026", **november)], days=("2026-11-01", "2026-11-30"))
    exports.scope = "/subscriptions/other"
    exports.run([line("3")], export="theirs")
    assert exports.read() == {}
    assert sorted(exports.lake.manifests("azure")) == [
        f"2026-10 subscriptions/{SUBSCRIPTION}",
        "2026-10 subscriptions/other",
        f"2026-11 subscriptions/{SUBSCRIPTION}",
    ]
    assert exports.total() == Decimal(11)


def test_a_one_time_export_beside_a_daily_one_is_refused_and_names_both(exports: Exports) -> None:
    exports.run([line("6"), line("7")])
    assert exports.read() == {}
    exports.run([line("6")], export="one-time", days=("2026-10-01", "2026-10-09"))
    ((_, sentence),) = exports.read().items()
    assert "exports daily-actual (2026-10-01 to 2026-10-31)" in sentence
    assert "and one-time (2026-10-01 to 2026-10-09)" in sentence
    assert exports.total() == Decimal(13)


def test_the_option_export_says_which_of_two_counts(exports: Exports) -> None:
    exports.run([line("6"), line("7")])
    exports.run([line("6")], export="one-time", days=("2026-10-01", "2026-10-09"))
    exports.with_options(export="daily-actual")
    assert exports.read() == {}
    assert exports.total() == Decimal(13)
    exports.with_options(export=["daily-actual", "no-such"])
    with pytest.raises(
        ConfigError, match=r"export no-such is not at .*; allowed: daily-actual, one-time"
    ):
        exports.read()


def test_a_one_time_export_of_another_month_stands_beside_a_daily_one(exports: Exports) -> None:
    exports.run([line("6")])
    september = {"BillingPeriodStartDate": "09/01/2026", "BillingPeriodEndDate": "09/30/2026"}
    exports.run(
        [line("4", Date="09/02/2026", **september)],
        export="history",
        days=("2026-09-01", "2026-09-30"),
    )
    assert exports.read() == {}
    assert exports.total() == Decimal(10)


def test_a_focus_export_beside_microsofts_own_dataset_is_refused(exports: Exports) -> None:
    exports.run([line("6")])
    exports.run([line("6")], dataset="focus")
    ((_, sentence),) = exports.read().items()
    assert "exports daily-focus" in sentence
    assert "and daily-actual" in sentence


def test_a_shorter_run_does_not_replace_a_longer_one(exports: Exports) -> None:
    exports.run([line("6"), line("7")], submitted=EARLY)
    assert exports.read() == {}
    exports.run([line("6")], submitted=LATE, days=("2026-10-01", "2026-10-09"))
    ((_, sentence),) = exports.read().items()
    assert (
        "daily-actual (2026-10-01 to 2026-10-09, run of 2026-11-01T05:00:00.123456700Z) has fewer "
        "days than daily-actual (2026-10-01 to 2026-10-31, run of 2026-10-20T05:00:00.500000000Z)"
    ) in sentence
    assert exports.total() == Decimal(13)


def test_a_shorter_run_is_refused_too_where_it_overwrote_the_longer_one(exports: Exports) -> None:
    folder = exports.run([line("6"), line("7")], submitted=EARLY)
    assert exports.read() == {}
    shutil.rmtree(folder)
    exports.run([line("6")], submitted=LATE, days=("2026-10-02", "2026-10-31"))
    ((_, sentence),) = exports.read().items()
    assert "has fewer days than daily-actual (2026-10-01 to 2026-10-31" in sentence
    assert exports.total() == Decimal(13)


def test_a_run_of_several_months_is_refused(exports: Exports) -> None:
    exports.run([line("6")], days=("2026-09-01", "2026-10-31"))
    ((_, sentence),) = exports.read().items()
    assert "spans several months; allowed: one month a run" in sentence


def test_a_subscription_inside_an_exported_billing_account_is_a_configuration_error(
    exports: Exports,
) -> None:
    exports.run([line("6")])
    exports.scope = "/providers/Microsoft.Billing/billingAccounts/8419207"
    exports.run([line("6")], export="account")
    with pytest.raises(ConfigError, match=r"export account of .* has the costs of export daily"):
        exports.read()
    exports.with_options(export="account")
    assert exports.read() == {}
    assert exports.total() == Decimal(6)


def test_the_actual_and_the_amortized_export_are_one_delivery(exports: Exports) -> None:
    exports.run([line("6")])
    exports.run([line("6")], dataset="amortized", submitted=EARLY)
    (delivery,) = CONNECTOR.discover(exports.source, Window(), {})
    assert set(delivery.request["runs"]) == {"actual", "amortized"}
    exports.run([line("6")], dataset="amortized", submitted=LATE)
    (newer,) = CONNECTOR.discover(exports.source, Window(), {})
    assert newer.order > delivery.order
    assert newer.version != delivery.version


def test_prices_and_reservation_lists_are_no_costs(exports: Exports) -> None:
    exports.run([line("6")])
    exports.run([line("9")], dataset="PriceSheet")
    assert exports.read() == {}
    assert exports.total() == Decimal(6)
    exports.run([line("9")], dataset="NewCost")
    with pytest.raises(
        ContractError, match=r"exportConfig.type is 'NewCost'; allowed: ActualCost, Amor"
    ):
        exports.read()


def test_a_manifest_of_old_says_the_files_and_its_folder_the_rest(exports: Exports) -> None:
    folder = exports.run([line("6")])
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({"blobs": manifest["blobs"]}))
    assert exports.read() == {}
    assert exports.total() == Decimal(6)
    assert slot(exports) == "2026-10"


def test_without_a_manifest_the_newest_file_of_the_days_is_the_run(exports: Exports) -> None:
    folder = exports.location / "costs/monthly/20261001-20261031"
    folder.mkdir(parents=True)
    for number, cost in enumerate(("6", "7")):
        (folder / f"monthly_{number}.csv").write_bytes(csv_bytes([line(cost)]))
        stamp = 1_790_000_000 + number
        os.utime(folder / f"monthly_{number}.csv", (stamp, stamp))
    assert exports.read() == {}
    assert exports.total() == Decimal(7)


def test_parts_whose_manifest_is_not_written_yet_are_left_alone(exports: Exports) -> None:
    exports.run([line("6")], submitted=EARLY)
    manifest = exports.run([line("7")], submitted=LATE) / "manifest.json"
    manifest.write_bytes(b"")
    assert exports.read() == {}
    manifest.unlink()
    assert exports.read() == {}
    assert exports.total() == Decimal(6)


def test_a_month_without_rows_is_an_empty_month(exports: Exports) -> None:
    exports.run([])
    exports.run([], dataset="amortized", manifest={"blobs": []})
    assert exports.read() == {}
    assert exports.charges() == []


def test_several_parts_are_one_run(exports: Exports) -> None:
    folder = exports.run([line("6")])
    (folder / "part_1_0001.csv").write_bytes(csv_bytes([line("7")]))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["blobs"].append({"blobName": "elsewhere/part_1_0001.csv"})
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert exports.read() == {}
    assert exports.total() == Decimal(13)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"blobName": "gone.csv"}, "lists .*gone.csv, which does not exist"),
        ({"byteCount": 7}, "bytes; its manifest says 7"),
        ({"dataRowCount": 5}, "part_0_0001.csv has 1 rows; its manifest says 5"),
        ({"blobName": "manifest.json", "byteCount": None}, "is no .csv, .csv.gz or .parquet file"),
    ],
)
def test_a_run_that_is_not_what_its_manifest_says_leaves_the_last_good_state(
    exports: Exports, change: dict[str, object], sentence: str
) -> None:
    exports.run([line("6")], submitted=EARLY)
    assert exports.read() == {}
    folder = exports.run([line("7")], submitted=LATE)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["blobs"][0] |= change
    (folder / "manifest.json").write_text(json.dumps(manifest))
    ((_, said),) = exports.read().items()
    assert re.search(sentence, said), said
    assert exports.total() == Decimal(6)


def test_a_manifest_that_is_none_is_a_sentence(exports: Exports) -> None:
    folder = exports.run([line("6")])
    (folder / "manifest.json").write_text("{}")
    with pytest.raises(ContractError, match="is not a manifest with a list of blobs; allowed"):
        exports.read()


def test_a_location_without_any_export_is_a_configuration_error(exports: Exports) -> None:
    with pytest.raises(ConfigError, match="has no cost export; allowed: the folder, container or"):
        exports.read()


def test_an_export_that_changes_at_every_download_can_be_tried_again(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = exports.run([line("6")])
    copy = _files._Folder.copy

    def copy_while_writing(store: object, file: object, target: Path) -> None:
        copy(store, file, target)  # type: ignore[arg-type]
        manifest = folder / "manifest.json"
        manifest.write_bytes(manifest.read_bytes() + b" ")

    monkeypatch.setattr(_files._Folder, "copy", copy_while_writing)
    with pytest.raises(FetchError, match="in each of 3 downloads; Azure is writing the export"):
        exports.read()


def test_a_run_killed_between_the_download_and_the_index_ends_with_the_same_bytes(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports.run([line("6")], submitted=EARLY)
    assert exports.read() == {}
    exports.run([line("7")], submitted=LATE)

    def killed(lake: Lake, rows: object, gone: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "replace_in_index", killed)
        with pytest.raises(KeyboardInterrupt):
            exports.read()
    assert exports.total() == Decimal(6)
    assert exports.read() == {}
    assert exports.total() == Decimal(7)
    straight = Exports(exports.root / "again")
    straight.run([line("7")], submitted=LATE)
    assert straight.read() == {}
    assert [row["x_delivery_id"] for row in straight.charges()] == [
        row["x_delivery_id"] for row in exports.charges()
    ]
