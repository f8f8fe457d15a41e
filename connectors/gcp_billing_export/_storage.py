"""The rows of a partition, through the Storage Read API."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from google.cloud.bigquery_storage_v1 import BigQueryReadClient, types

from connectors.gcp_billing_export._clients import storage_client

# Streams that are read one after the other: more would only be more files.
_STREAMS = 4


@dataclass
class PartitionRead:
    """How many rows came, and the newest export time of them."""

    rows: int = 0
    newest: str = ""


def read_partition(
    endpoint: str | None, project: str, table: str, day: str, fields: Sequence[str], folder: Path
) -> PartitionRead:
    """Write the rows of a day's partition into `folder`, a Parquet file a stream.

    A stream that breaks is taken up again by the SDK after the last row that arrived.
    """
    options = types.ReadSession.TableReadOptions(
        selected_fields=list(fields), row_restriction=f"_PARTITIONDATE = '{day}'"
    )
    wanted = types.ReadSession(
        table=table, data_format=types.DataFormat.ARROW, read_options=options
    )
    done = PartitionRead()
    client = storage_client(endpoint)
    with client:
        session = client.create_read_session(
            parent=f"projects/{project}", read_session=wanted, max_stream_count=_STREAMS
        )
        for number, stream in enumerate(session.streams, start=1):
            _write_stream(client, session, stream.name, folder / f"rows-{number:04}.parquet", done)
    return done


def _write_stream(
    client: BigQueryReadClient,
    session: types.ReadSession,
    stream: str,
    file: Path,
    done: PartitionRead,
) -> None:
    schema = pa.ipc.read_schema(pa.py_buffer(session.arrow_schema.serialized_schema))
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for message in client.read_rows(stream):  # type: ignore[no-untyped-call]
            content = message.arrow_record_batch.serialized_record_batch
            if not content:
                continue
            batch = pa.ipc.read_record_batch(pa.py_buffer(content), schema)
            writer.write_batch(batch)
            done.rows += batch.num_rows
            newest = pc.max(batch.column("export_time")).as_py()
            done.newest = max(done.newest, _text(newest))


def _text(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}" if moment else ""
