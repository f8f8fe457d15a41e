"""AWS Data Exports, CUR 2.0: a synced folder or the bucket itself, Parquet or csv.gz.

- location: folder or s3://bucket/prefix/export, whichever holds data/ and metadata/
- slot: a billing period; AWS replaces it as a whole, closed ones too
- version: the manifest's executionId, in the order of the create-new timestamp
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from duckdb import DuckDBPyConnection
from pydantic import field_validator

from connectors._aws.charges import CHARGES_SQL
from connectors._aws.columns import COLUMNS
from connectors._aws.costs import AMOUNTS
from connectors._aws.data_exports import DATA_EXPORTS
from connectors._aws.exports import ExportOptions
from connectors._aws.quarantine import QUARANTINE_SQL
from connectors._aws.rows import KINDS, arrange_as_named, read_rows
from connectors._aws.splits import SPLIT_COSTS_SQL
from connectors._base import About, Connector, Options
from models.tables import CHARGES, QUARANTINE, SPLIT_COSTS


class CurOptions(ExportOptions):
    """`columns` are AWS's names of columns that the export's query gives other names."""

    columns: Mapping[str, str] = {}

    @field_validator("columns")
    @classmethod
    def _known(cls, columns: Mapping[str, str]) -> Mapping[str, str]:
        if unknown := columns.keys() - KINDS.keys():
            allowed = ", ".join(sorted(KINDS))
            raise ValueError(f"{min(unknown)} is no column that is read; allowed: {allowed}")
        if len(set(columns.values())) < len(columns):
            raise ValueError("two columns have one name; allowed: a name a column")
        return columns


def _read(
    columns: Mapping[str, str], connection: DuckDBPyConnection, folder: Path, files: Sequence[str]
) -> Mapping[str, str]:
    return read_rows(connection, folder, files, arrange_as_named(columns))


def _configured(options: Options) -> Connector:
    """Return the connector for an export whose columns have other names."""
    assert isinstance(options, CurOptions)
    columns = dict(options.columns)
    # A change of names is a change of meaning: what was normalized before is so again.
    note = f"-- columns: {json.dumps(columns, sort_keys=True)}\n" if columns else ""
    return replace(
        CONNECTOR,
        read=partial(_read, columns),
        normalize=lambda source: {
            table: note + query for table, query in CONNECTOR.normalize(source).items()
        },
    )


CONNECTOR = Connector(
    name="aws_cur2",
    title="AWS Data Exports CUR 2.0",
    produces=(CHARGES, SPLIT_COSTS, QUARANTINE),
    inputs={"raw": COLUMNS},
    discover=DATA_EXPORTS.discover,
    fetch=DATA_EXPORTS.fetch,
    read=partial(_read, {}),
    normalize=lambda source: {
        "charges": CHARGES_SQL,
        "split_costs": SPLIT_COSTS_SQL,
        "quarantine": QUARANTINE_SQL,
    },
    amounts=AMOUNTS,
    about=About(
        vendor="AWS",
        kind="cloud",
        interface="CUR 2.0 of Data Exports, Parquet or csv.gz, in S3 or a folder",
        granularity="hour (or as exported), resource and usage type",
        restated="whole months, up to three times a day; closed months by credits and refunds",
        cannot_tell="requests: tokens are known by model, token class and hour",
        tested_with="the sample company's exports; S3 on loopback (moto) with boto3",
    ),
    options=CurOptions,
    configured=_configured,
)
