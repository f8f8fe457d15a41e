"""When GPU nodes and the pods on them came, served and went: one row a state interval.

The simplest documented form of what a cluster's events or a vendor's pod log say. UTF-8 CSV with a
header, plain or .gz, at any depth of a folder (or s3://bucket/prefix); a file is a slot. Columns:

    resource_id   the bill's name of the machine: i-… of an EC2 instance, the id of a RunPod pod
    gpu_index     the GPU from 0 on; empty: every GPU of the machine
    gpu_count     the machine's GPUs
    pool          what autoscaling treats as one
    pod_uid       uid of the pod; empty for a state of the machine itself
    model         what the pod serves
    state         of the machine: provisioning (billed, not ready), node_ready, terminating;
                  of a pod: starting (bound, not ready), ready, terminating
    started_at    RFC 3339; without a zone it is UTC
    ended_at      after started_at and not part of the interval

Only resource_id, state and the times must be there. States may overlap: which of them counts is
decided when costs are attributed. What no row covers is unknown, never idle. An interval over
midnight UTC becomes a row a day. The last line ends like the others: else the file is cut off.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from duckdb import DuckDBPyConnection

from connectors._base import (
    NO_AMOUNTS,
    About,
    Connector,
    Delivery,
    InputColumn,
    Landed,
    Source,
    Window,
)
from connectors._complete import check_text
from connectors._files import discover_files, fetch_file
from connectors._sql import csv_rows
from models.signals import RESOURCE_STATES
from models.tables import QUARANTINE

_STATES = ("provisioning", "node_ready", "starting", "ready", "terminating")

# A time without a zone is UTC; a cast straight to timestamp would drop a zone that is there.
_JUDGED = """
    with timed as (
        select
            *,
            cast(cast(started_at as timestamptz) as timestamp) as starts,
            cast(cast(ended_at as timestamptz) as timestamp) as ends,
            cast(gpu_index as bigint) as index,
            cast(gpu_count as bigint) as count
        from raw
    ),
    judged as (
        select
            *,
            case
                when ends <= starts then {
                    'column_name': 'ended_at', 'value': ended_at,
                    'reason': 'is not after started_at'
                }
                when index not between 0 and coalesce(count, index + 1) - 1 then {
                    'column_name': 'gpu_index', 'value': gpu_index,
                    'reason': 'is not between 0 and gpu_count - 1'
                }
            end as problem
        from timed
    )
"""

_RESOURCE_STATES = f"""
    {_JUDGED},
    days as (
        select *, unnest(range(date_trunc('day', starts), ends, interval 1 day)) as day
        from judged
        where problem is null
    )
    select
        resource_id,
        index as gpu_index,
        count as gpu_count,
        pool,
        pod_uid,
        model,
        state,
        greatest(starts, day) as started_at,
        least(ends, day + interval 1 day) as ended_at,
        x_file,
        x_row
    from days
    order by x_row, day
"""

_QUARANTINE = f"""
    {_JUDGED}
    select
        cast(starts as date) as quarantined_day,
        problem.column_name as column_name,
        problem.value as value,
        problem.reason as reason,
        x_file,
        x_row
    from judged
    where problem is not null
    order by x_row
"""


def discover(source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Yield every CSV file."""
    del window
    return discover_files(source, landed, (".csv", ".csv.gz"))


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Copy the file as it was when it was found."""
    check_text(fetch_file(source, delivery, folder), f"{source.name}: {delivery.slot}")
    return delivery


def read(connection: DuckDBPyConnection, folder: Path, files: Sequence[str]) -> dict[str, str]:
    """Return the query of `raw`: the rows as text."""
    return {"raw": csv_rows(connection, folder, files[0])}


CONNECTOR = Connector(
    name="node_lifecycle",
    title="Lifecycle of GPU nodes and their pods, CSV",
    produces=(RESOURCE_STATES, QUARANTINE),
    inputs={
        "raw": (
            InputColumn("resource_id", required=True),
            InputColumn("gpu_index", "integer"),
            InputColumn("gpu_count", "integer"),
            InputColumn("pool"),
            InputColumn("pod_uid"),
            InputColumn("model"),
            InputColumn("state", required=True, allowed=_STATES),
            InputColumn("started_at", "time", required=True),
            InputColumn("ended_at", "time", required=True),
        )
    },
    discover=discover,
    fetch=fetch,
    read=read,
    normalize=lambda source: {"resource_states": _RESOURCE_STATES, "quarantine": _QUARANTINE},
    amounts=NO_AMOUNTS,
    about=About(
        vendor="Any cloud or cluster",
        kind="telemetry",
        interface="CSV files in a folder or bucket, a row a state of a node or pod",
        granularity="state interval, milliseconds",
        restated="a file that changed is read again",
        cannot_tell="what nobody recorded: GPU time without a lifecycle stays unmatched",
        tested_with="the sample company's nodes, states computed apart",
    ),
)
