"""AWS's legacy Cost and Usage Report: csv.gz, zip or Parquet, a synced folder or the bucket itself.

- location: folder or s3://bucket/prefix/report, whichever holds the folders YYYYMMDD-YYYYMMDD/ of
  the billing periods; for Athena's Parquet <report>/year=YYYY/month=M/ lies beside them
- slot: a billing period; AWS replaces it as a whole, closed ones too
- version: the manifest's assemblyId; of a period without a manifest, what its files hold
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from duckdb import DuckDBPyConnection

from connectors._aws.charges import CHARGES_SQL
from connectors._aws.columns import COLUMNS
from connectors._aws.costs import AMOUNTS
from connectors._aws.exports import ExportOptions, Exports, Layout
from connectors._aws.quarantine import QUARANTINE_SQL
from connectors._aws.rows import read_rows
from connectors._aws.splits import SPLIT_COSTS_SQL
from connectors._base import About, Connector
from connectors.aws_cur._columns import arrange
from models.tables import CHARGES, QUARANTINE, SPLIT_COSTS

# Prefixes may hold anything: a file's path in the report starts at the period's folder.
_IN_REPORT = re.compile(r"(?:^|.*/)(\d{8}-\d{8}/.+|[^/]+/year=\d{4}/month=\d{1,2}/[^/]+)")


def _parse(manifest: bytes) -> tuple[str | None, tuple[str, ...]]:
    content = json.loads(manifest)
    return content.get("assemblyId"), tuple(_relative(key) for key in content["reportKeys"])


def _relative(key: str) -> str:
    match = _IN_REPORT.fullmatch(key)
    if match is None:
        raise ValueError(f"{key} is not below a billing period")
    return match[1]


_EXPORTS = Exports(
    Layout(
        under="",
        manifest=re.compile(r"(?P<period>\d{8})-\d{8}/(?P<older>[^/]+/)?[^/]+-Manifest\.json"),
        billing_period=lambda start: f"{start[:4]}-{start[4:6]}",
        parse=_parse,
        files_key="reportKeys",
        lasting=re.compile(r"^\d{8}-\d{8}/[^/]+/[^/]+$"),
        expected="YYYYMMDD-YYYYMMDD/…-Manifest.json",
        # Not cost_and_usage_data_status/, which lies beside.
        partition=re.compile(r"[^/]+/year=(?P<year>\d{4})/month=(?P<month>\d{1,2})/[^/]+\.parquet"),
    )
)


def _read(connection: DuckDBPyConnection, folder: Path, files: Sequence[str]) -> Mapping[str, str]:
    return read_rows(connection, folder, files, arrange)


CONNECTOR = Connector(
    name="aws_cur",
    title="AWS Cost and Usage Report (legacy)",
    produces=(CHARGES, SPLIT_COSTS, QUARANTINE),
    inputs={"raw": COLUMNS},
    discover=_EXPORTS.discover,
    fetch=_EXPORTS.fetch,
    read=_read,
    normalize=lambda source: {
        "charges": CHARGES_SQL,
        "split_costs": SPLIT_COSTS_SQL,
        "quarantine": QUARANTINE_SQL,
    },
    amounts=AMOUNTS,
    about=About(
        vendor="AWS",
        kind="cloud",
        interface="legacy Cost and Usage Report, csv.gz, zip or Parquet, in S3 or a folder",
        granularity="hour (or as reported), resource and usage type",
        restated="whole months, up to three times a day; closed months by credits and refunds",
        cannot_tell="requests, and who called Bedrock; names of accounts",
        tested_with="the sample company's report; a published one of 1,281 lines; moto with boto3",
    ),
    options=ExportOptions,
)
