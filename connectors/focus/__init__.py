"""Any FOCUS file: 1.0 to 1.4, CSV or Parquet, in a folder or a bucket, of whichever vendor.

The version shows in the columns; what a version or a vendor spells otherwise is mapped, and what a
file does not have is NULL. What is replaced as a whole is told by where a file lies
(`connectors/_focus/folders.py`); AWS's exports are read by their manifests.
"""

from connectors._base import About, Connector, Options, Source
from connectors._focus.charges import AMOUNTS, charges
from connectors._focus.columns import COLUMNS
from connectors._focus.folders import discover, fetch
from connectors._focus.rows import read
from models.tables import CHARGES


class FocusOptions(Options):
    """How to reach S3, and what files leave out: who provides the service, whose account it is."""

    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    provider_name: str | None = None
    billing_account_id: str | None = None


def _normalize(source: Source) -> dict[str, str]:
    options = source.options
    assert isinstance(options, FocusOptions)
    return {"charges": charges(options.billing_account_id or source.name, options.provider_name)}


CONNECTOR = Connector(
    name="focus",
    title="FOCUS 1.0 to 1.4 files",
    produces=(CHARGES,),
    inputs={"raw": COLUMNS},
    discover=discover,
    fetch=fetch,
    read=read,
    normalize=_normalize,
    amounts=AMOUNTS,
    about=About(
        vendor="any that speaks FOCUS: AWS, Azure, Google Cloud, OCI, resellers, …",
        kind="generic",
        interface="FOCUS 1.0 to 1.4 as CSV, csv.gz or Parquet in a folder or bucket",
        granularity="as exported",
        restated="a billing period's folder, or else a file, that changed is read again",
        cannot_tell="what the vendor leaves out of FOCUS; whether two files overlap",
        tested_with="the sample company's files; the specification's worked examples",
    ),
    options=FocusOptions,
)
