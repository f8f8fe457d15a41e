"""The five spellings of a tag key: one key, one value, and what collides is shown."""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path

import duckdb
from aws_exports import Row, as_csv, line, normalized, write_cur2, write_files

from connectors.aws_cur import CONNECTOR as LEGACY
from connectors.aws_cur2 import CONNECTOR

HEADERS = {
    "lineItem/LineItemType": "Usage",
    "lineItem/UnblendedCost": "1",
    "lineItem/CurrencyCode": "USD",
    "lineItem/Operation": "",
    "lineItem/UsageStartDate": "2026-10-05T00:00:00Z",
    "lineItem/UsageEndDate": "2026-10-06T00:00:00Z",
    "bill/PayerAccountId": "111122223333",
    "bill/BillingPeriodStartDate": "2026-10-01T00:00:00Z",
}
MONTH = "20261001-20261101"


def tags_of(rows: list[Row]) -> list[dict[str, str] | None]:
    return [row["tags"] and json.loads(row["tags"]) for row in rows]


def write_legacy(root: Path, rows: list[Mapping[str, str]]) -> Path:
    manifest = {"assemblyId": "a-1", "reportKeys": [f"pre/report/{MONTH}/a-1/report-1.csv.gz"]}
    return write_files(
        root,
        {
            f"{MONTH}/a-1/report-1.csv.gz": gzip.compress(as_csv(rows), mtime=0),
            f"{MONTH}/report-Manifest.json": json.dumps(manifest).encode(),
        },
    )


def test_five_spellings_of_a_key_are_one(tmp_path: Path) -> None:
    cur2 = normalized(
        tmp_path / "cur2",
        CONNECTOR,
        write_cur2(
            tmp_path / "cur2/export",
            [
                line(resource_tags={"user_cost_center": "a1"}),
                line(resource_tags={"user:CostCenter": "a1"}),
                line(tags={"resourceTags/CostCenter": "a1"}),
                line(tags={"resourceTags/user:cost-center": "a1"}),
            ],
        ),
    )
    legacy = normalized(
        tmp_path / "csv",
        LEGACY,
        write_legacy(tmp_path / "csv/report", [{**HEADERS, "resourceTags/user:CostCenter": "a1"}]),
    )
    parquet = tmp_path / "parquet/report/report/year=2026/month=10/report-1.snappy.parquet"
    parquet.parent.mkdir(parents=True)
    columns = ", ".join(
        f"'{value}' as {name}" for name, value in line(resource_tags_user_cost_center="a1").items()
    )
    duckdb.execute(f"copy (select {columns}) to '{parquet}'")
    athena = normalized(tmp_path / "parquet", LEGACY, tmp_path / "parquet/report")
    found = [*cur2.rows(), *legacy.rows(), *athena.rows()]
    assert tags_of(found) == [{"user_cost_center": "a1"}] * 6


def test_keys_of_aws_itself_are_not_the_users(tmp_path: Path) -> None:
    export = write_cur2(
        tmp_path / "export",
        [
            line(tags={"resourceTags/aws:eks:cluster-name": "prod"}),
            line(resource_tags={"aws_eks_cluster_name": "prod"}),
            line(resource_tags={"aws:eks:cluster-name": "prod"}),
        ],
    )
    found = normalized(tmp_path, CONNECTOR, export).rows()
    assert tags_of(found) == [{"aws_eks_cluster_name": "prod"}] * 3


def test_resource_tags_are_not_read_again_from_the_newer_column(tmp_path: Path) -> None:
    newer = {
        "resourceTags/team": "other",
        "iamPrincipal/team": "callers",
        "accountTag/team": "owners",
        "userAttribute/team": "people",
        "costCategory/team": "newer",
    }
    export = write_cur2(
        tmp_path / "export",
        [line(resource_tags={"user_team": "assist"}, tags=newer, cost_category={"team": "older"})],
    )
    result = normalized(tmp_path, CONNECTOR, export)
    assert tags_of(result.rows()) == [
        {
            "user_team": "assist",
            "iamPrincipal/team": "callers",
            "accountTag/team": "owners",
            "userAttribute/team": "people",
            "costCategory/team": "older",
        }
    ]
    assert result.rows("quarantine") == []


def test_two_keys_of_one_value_do_not_collide(tmp_path: Path) -> None:
    same = {"resourceTags/Team": "assist", "resourceTags/team": "assist"}
    result = normalized(tmp_path, CONNECTOR, write_cur2(tmp_path / "export", [line(tags=same)]))
    assert tags_of(result.rows()) == [{"user_team": "assist"}]
    assert result.rows("quarantine") == []


def test_colliding_keys_keep_the_cost_and_are_shown_with_both_values(tmp_path: Path) -> None:
    colliding = {"resourceTags/Team": "assist", "resourceTags/team": "Assist"}
    export = write_cur2(
        tmp_path / "export",
        [
            line(),
            line(tags=colliding),
            line(tags=colliding),
            line(resource_tags={"user:team": "b", "user_team": "a"}),
        ],
    )
    result = normalized(tmp_path, CONNECTOR, export)
    assert tags_of(result.rows()) == [
        None,
        {"user_team": "assist"},
        {"user_team": "assist"},
        {"user_team": "a"},
    ]
    assert result.billed() == 4
    shown = [(row["x_row"], row["value"], row["reason"]) for row in result.rows("quarantine")]
    assert shown == [
        (
            2,
            "resourceTags/team=Assist",
            "tag key user_team stands twice, also as resourceTags/Team=assist, which is read; "
            "lines: 2",
        ),
        (4, "user:team=b", "tag key user_team stands twice, also as user_team=a, which is read; "
         "lines: 1"),
    ]  # fmt: skip


def test_legacy_columns_whose_names_differ_in_a_capital_are_two(tmp_path: Path) -> None:
    tagged = {**HEADERS, "resourceTags/user:Team": "assist", "resourceTags/user:team": "Assist"}
    result = normalized(tmp_path, LEGACY, write_legacy(tmp_path / "report", [tagged, HEADERS]))
    assert tags_of(result.rows()) == [{"user_team": "assist"}, None]
    assert [row["value"] for row in result.rows("quarantine")] == ["user:team=Assist"]


def test_plain_tags_bring_no_row_into_quarantine(tmp_path: Path) -> None:
    export = write_cur2(
        tmp_path / "export",
        [line(resource_tags={"user_team": "a"}, cost_category={"unit": "b"}), line()],
    )
    result = normalized(tmp_path, CONNECTOR, export)
    assert tags_of(result.rows()) == [{"user_team": "a", "costCategory/unit": "b"}, None]
    assert result.rows("quarantine") == []
