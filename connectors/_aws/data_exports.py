"""Where Data Exports (CUR 2.0, FOCUS) keep a billing period: data/ and metadata/ side by side."""

import json
import re

from connectors._aws.exports import Exports, Layout


def _parse(manifest: bytes) -> tuple[str | None, tuple[str, ...]]:
    content = json.loads(manifest)
    return content.get("executionId"), tuple(_relative(url) for url in content["dataFiles"])


def _relative(url: str) -> str:
    """Return a data file's path in the export: a synced copy's manifest still names the bucket."""
    before, separator, after = url.rpartition("/data/BILLING_PERIOD=")
    if not separator:
        raise ValueError(f"{before}{after} is not below data/BILLING_PERIOD=")
    return f"data/BILLING_PERIOD={after}"


DATA_EXPORTS = Exports(
    Layout(
        under="metadata/",
        manifest=re.compile(
            r"metadata/BILLING_PERIOD=(?P<period>\d{4}-\d{2})/(?P<older>[^/]+/)?"
            r"(?:[^/]*-)?Manifest\.json"
        ),
        billing_period=str,
        parse=_parse,
        files_key="dataFiles",
        lasting=re.compile(r"/(?P<stamp>\d{4}-\d{2}-\d{2}T[\d:.]+Z)-[^/]+/[^/]+$"),
        expected="metadata/BILLING_PERIOD=…/…-Manifest.json",
    )
)
