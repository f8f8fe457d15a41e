"""What a source of the billing export may configure."""

from pydantic import Field

from connectors._base import Options

# How the location of a table begins, which is otherwise one of files.
SCHEME = "bigquery://"
_GIB = 1 << 30


class GcpOptions(Options):
    """How to reach BigQuery. Credentials come from Google's own chain, as for `gcloud`."""

    # Whose bill the query is on; by default the table's project.
    billing_project: str | None = None
    # Where the dataset is (EU, us-central1), if BigQuery cannot tell.
    region: str | None = None
    recent_days: int = Field(default=10, ge=1)
    # A query that would read more is not run.
    maximum_bytes_billed: int = Field(default=10 * _GIB, ge=1)
    endpoint: str | None = None
    storage_endpoint: str | None = None
