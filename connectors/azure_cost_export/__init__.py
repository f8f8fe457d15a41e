"""Exports of Azure Cost Management: Blob storage, a bucket or a synced folder, CSV or Parquet.

- location: az://account/container/prefix, https://account.blob.core.windows.net/container/…, a
  folder or s3://…, whichever holds one or more exports
- slot: a billing period and scope; every run of a month has all of it and replaces the one before
- version: a hash of the manifests, in the order of the runs' submittedTime
- with an export of the actual and one of the amortized costs, both become one bill; with one of
  them, effective and billed cost are the same; a FOCUS export has both by itself
"""

from connectors._azure._charges import CHARGES_SQL
from connectors._azure._columns import COLUMNS
from connectors._azure._costs import AMOUNTS
from connectors._azure._focus import FOCUS_AMOUNTS, FOCUS_SQL
from connectors._azure._focus_columns import FOCUS_COLUMNS
from connectors._base import About, Connector
from connectors.azure_cost_export._delivery import ExportOptions, discover, fetch
from connectors.azure_cost_export._read import read
from models.tables import CHARGES

CONNECTOR = Connector(
    name="azure_cost_export",
    title="Azure Cost Management exports",
    produces=(CHARGES,),
    inputs={"raw": COLUMNS, "focus": FOCUS_COLUMNS},
    discover=discover,
    fetch=fetch,
    read=read,
    # A delivery has rows of one of the two, never of both.
    normalize=lambda source: {
        "charges": f"select * from ({CHARGES_SQL}) union all by name select * from ({FOCUS_SQL})"
    },
    amounts=f"{AMOUNTS} union all {FOCUS_AMOUNTS}",
    about=About(
        vendor="Microsoft Azure",
        kind="cloud",
        interface="cost exports (actual, amortized, FOCUS), CSV or Parquet, in Blob storage, S3 "
        "or a folder",
        granularity="day, resource and meter",
        restated="the whole month at every run, until it closes; refunds are rows of a later month",
        cannot_tell="hours, requests, deployments; taxes and support are on the invoice alone",
        tested_with="the sample company's exports; Blob storage on loopback (Azurite) with "
        "azure-storage-blob",
    ),
    options=ExportOptions,
)
