"""GCP's billing export to BigQuery, standard or detailed: the table itself, or files of its rows.

- location: bigquery://project.dataset.table, or a folder or s3://bucket/prefix with files that
  BigQuery exported from the table, newline-delimited JSON (.json, .jsonl, .ndjson, also .gz) or
  Parquet
- slot: a day's partition of the table, or a file: one load. Rows are added, never replaced: a load
  is replaced as a whole, and a row is never looked for by its usage
- a load can hold rows of several invoice months; `invoice.month` is a row's billing period
- version: the newest export time and the number of rows of a partition, the content of a file. A
  file with the content of another one is a load that was repeated, and delivers nothing
"""

from connectors._base import About, Connector
from connectors.gcp_billing_export._charges import CHARGES_SQL
from connectors.gcp_billing_export._columns import CREDIT_COLUMNS, ROW_COLUMNS
from connectors.gcp_billing_export._costs import AMOUNTS
from connectors.gcp_billing_export._deliveries import discover, fetch
from connectors.gcp_billing_export._options import GcpOptions
from connectors.gcp_billing_export._read import read
from models.tables import CHARGES

CONNECTOR = Connector(
    name="gcp_billing_export",
    title="GCP billing export to BigQuery",
    produces=(CHARGES,),
    inputs={"raw": ROW_COLUMNS, "credits": CREDIT_COLUMNS},
    discover=discover,
    fetch=fetch,
    read=read,
    normalize=lambda source: {"charges": CHARGES_SQL},
    amounts=AMOUNTS,
    about=About(
        vendor="Google Cloud",
        kind="cloud",
        interface="billing export in BigQuery (Storage Read API), or files exported from it",
        granularity="hour, SKU, project and, in the detailed export, resource",
        restated="by later rows: the last days' partitions are looked at, all of them once a month",
        cannot_tell="requests; older commitments: what nobody used, unless fees name their SKUs",
        tested_with="the sample company's files; BigQuery's APIs on loopback with Google's SDKs",
    ),
    options=GcpOptions,
)
