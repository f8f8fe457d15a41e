"""AWS Data Exports, CUR 2.0: a synced folder or the bucket itself, Parquet or csv.gz.

- location: folder or s3://bucket/prefix/export, whichever holds data/ and metadata/
- slot: a billing period; AWS replaces it as a whole, closed ones too
- version: the manifest's executionId, in the order of the create-new timestamp
"""

from connectors._aws.charges import CHARGES_SQL
from connectors._aws.columns import COLUMNS
from connectors._aws.costs import AMOUNTS
from connectors._aws.exports import CurOptions, discover, fetch
from connectors._aws.rows import read
from connectors._base import About, Connector
from models.tables import CHARGES

CONNECTOR = Connector(
    name="aws_cur2",
    title="AWS Data Exports CUR 2.0",
    produces=(CHARGES,),
    inputs={"raw": COLUMNS},
    discover=discover,
    fetch=fetch,
    read=read,
    normalize=lambda source: {"charges": CHARGES_SQL},
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
)
