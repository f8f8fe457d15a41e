"""Nebius: a billing period exported as FOCUS 1.2, a .tar.gz of CSV files.

A location is the address of the export service,
https://api.billing-report-exporter.billing-data-plane.api.nebius.cloud, or a folder of saved
exports: `2026-10/20261103T060000Z/` with the archive or what was in it. A slot is a billing period.
"""

from connectors._base import About, Connector
from connectors._focus.columns import COLUMNS
from connectors._focus.costs import AMOUNTS
from connectors._focus.rows import read
from connectors.nebius_focus._fetch import NebiusOptions, discover, fetch, normalize
from models.tables import CHARGES

CONNECTOR = Connector(
    name="nebius_focus",
    title="Nebius FOCUS exports",
    produces=(CHARGES,),
    inputs={"raw": COLUMNS},
    discover=discover,
    fetch=fetch,
    read=read,
    normalize=normalize,
    amounts=AMOUNTS,
    about=About(
        vendor="Nebius",
        kind="gpu",
        interface="one-time FOCUS 1.2 exports over gRPC, or saved ones",
        granularity="as exported; resource",
        restated="the open and the previous month are exported again",
        cannot_tell="which pod used a machine",
        tested_with="the sample company's exports; the gRPC service on loopback",
    ),
    options=NebiusOptions,
)
