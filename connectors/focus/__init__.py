"""Any FOCUS file: 1.0 to 1.4, CSV or Parquet, of whichever vendor.

The version shows in the columns; what a version or a vendor spells otherwise is mapped, and what a
file does not have is NULL. A location is

- a folder, a file or a bucket: where a file lies tells what is replaced as a whole
  (`connectors/_focus/folders.py`)
- the export of AWS, FOCUS 1.0 or 1.2: the folder or prefix that holds data/ and metadata/
- the URL of an API that exports FOCUS, with `export:` the name of a file in `exports/`, or what
  such a file says; a slot is then a month
"""

from connectors._base import About, Connector
from connectors._focus.columns import COLUMNS
from connectors._focus.costs import AMOUNTS
from connectors._focus.rows import read
from connectors.focus._sources import FocusOptions, discover, fetch, normalize
from models.tables import CHARGES

CONNECTOR = Connector(
    name="focus",
    title="FOCUS 1.0 to 1.4",
    produces=(CHARGES,),
    inputs={"raw": COLUMNS},
    discover=discover,
    fetch=fetch,
    read=read,
    normalize=normalize,
    amounts=AMOUNTS,
    about=About(
        vendor="any that speaks FOCUS: AWS, Google Cloud, OCI, fal, Pinecone, resellers, …",
        kind="generic",
        interface="FOCUS 1.0 to 1.4, CSV or Parquet: folder, bucket, AWS export, HTTP export",
        granularity="as exported",
        restated="a billing period's folder or manifest, a file, or over HTTP the last two months",
        cannot_tell="what the vendor leaves out of FOCUS; whether two files overlap",
        tested_with="the sample company's files; the specification's worked examples; loopback",
    ),
    options=FocusOptions,
)
