"""BigQuery on loopback, for Google's SDKs: REST with SQL, and the Storage Read API over gRPC.

It holds one ingestion-time partitioned table. SQL is run by DuckDB after a few words have been
exchanged; what it does not know is an error, as are columns and restrictions that BigQuery would
refuse. It pages, counts bytes, throttles and breaks streams as it is told.
"""

import json
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import grpc
import pyarrow as pa
from bigquery_table import (
    DATASET,
    PROJECT,
    SCHEMA,
    TABLE,
    error_answer,
    page_of,
    to_arrow,
    to_duckdb,
)
from google.cloud.bigquery_storage_v1 import types


class BigQuery:
    """The table, by partition, and how the server behaves."""

    def __init__(self, schema: pa.Schema = SCHEMA) -> None:
        self.schema = schema
        self.endpoint = self.storage_endpoint = ""
        self._lock = Lock()
        self.reset()

    def reset(self) -> None:
        """Become a server of an empty table that behaves well."""
        self.partitioning: dict[str, Any] | None = {"type": "DAY"}
        self.partitions: dict[str, list[dict[str, Any]]] = {}
        self.modified = datetime(2026, 11, 1, tzinfo=UTC)
        self.projects = {PROJECT}  # that may pay
        self.page_rows, self.batch_rows, self.streams = 2, 2, 2
        self.bytes_a_row = 20
        self.bytes_when_run = 1  # times what the dry run said
        # REST answers to give first: (part of the path, status, reason).
        self.failures: list[tuple[str, int, str]] = []
        # Batches after which a stream breaks, once a stream.
        self.break_after: int | None = None
        self.lose_rows = 0  # of a stream's end
        self.fail_days: set[str] = set()
        self.load_when_read: dict[str, list[dict[str, Any]]] = {}
        self.requests: list[tuple[str, str, dict[str, Any]]] = []
        self.parents: list[str] = []
        self.read_days: list[str] = []
        self.resumed_at: list[int] = []
        self._jobs: dict[str, dict[str, Any]] = {}
        self._sessions: dict[str, pa.Table] = {}
        self._broken: set[str] = set()

    def jobs(self) -> list[dict[str, Any]]:
        """Every job that was asked for."""
        return [body for method, path, body in self.requests if method == "POST"]

    def queries(self) -> list[dict[str, Any]]:
        return [body["configuration"]["query"] for body in self.jobs()]

    def load(self, day: str, *rows: dict[str, Any]) -> None:
        """Append rows to a partition, as an export does."""
        self.partitions.setdefault(day, []).extend(rows)
        self.modified += timedelta(hours=1)

    def replace(self, day: str, *rows: dict[str, Any]) -> None:
        self.partitions[day] = list(rows)
        self.modified += timedelta(hours=1)
        if not rows:
            del self.partitions[day]

    def options(self, **more: Any) -> dict[str, Any]:
        endpoints = {"endpoint": self.endpoint, "storage_endpoint": self.storage_endpoint}
        return {**endpoints, **more}

    def rows(self, day: str) -> pa.Table:
        return to_arrow(self.partitions.get(day, []), self.schema)

    # --- REST -------------------------------------------------------------------------------------

    def answer(self, method: str, url: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        parts = urlsplit(url)
        with self._lock:
            self.requests.append((method, parts.path, body))
            for number, (path, status, reason) in enumerate(self.failures):
                if path in parts.path:
                    del self.failures[number]
                    return status, error_answer(status, reason, f"{reason} on purpose")
        project, _, path = parts.path.removeprefix("/bigquery/v2/projects/").partition("/")
        if project not in self.projects | {PROJECT}:
            return 403, error_answer(403, "accessDenied", f"Access Denied: {project}")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if (method, path) == ("GET", f"datasets/{DATASET}/tables/{TABLE}"):
            return 200, self._table()
        if (method, path) == ("POST", "jobs"):
            return self._insert(body)
        if method == "GET" and path.startswith("jobs/"):
            return 200, self._jobs[path.removeprefix("jobs/")]["job"]
        if method == "GET" and path.startswith("queries/"):
            return 200, self._results(path.removeprefix("queries/"), query)
        return 404, error_answer(404, "notFound", f"Not found: {method} {parts.path}")

    def _table(self) -> dict[str, Any]:
        milliseconds = int(self.modified.timestamp() * 1000)
        return {
            "tableReference": {"projectId": PROJECT, "datasetId": DATASET, "tableId": TABLE},
            "schema": {"fields": [{"name": name, "type": "STRING"} for name in self.schema.names]},
            "lastModifiedTime": str(milliseconds),
            "timePartitioning": self.partitioning,
            "type": "TABLE",
        }

    def _insert(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        configuration = body["configuration"]
        id = body["jobReference"]["jobId"]
        try:
            columns, rows, read = self._run(configuration["query"])
        except (duckdb.Error, ValueError, KeyError) as error:
            return 400, error_answer(400, "invalidQuery", str(error))
        job = {
            "jobReference": {**body["jobReference"], "location": "US"},
            "configuration": configuration,
            "status": {"state": "DONE"},
            "statistics": {"query": {"totalBytesProcessed": str(read), "statementType": "SELECT"}},
        }
        job["statistics"]["totalBytesProcessed"] = str(read)
        limit = int(configuration["query"].get("maximumBytesBilled") or 1 << 60)
        if not configuration.get("dryRun") and read * self.bytes_when_run > limit:
            message = f"Query exceeded limit for bytes billed: {limit}."
            problem = {"reason": "bytesBilledLimitExceeded", "message": message}
            job["status"] |= {"errorResult": problem, "errors": [problem]}
        self._jobs[id] = {"job": job, "columns": columns, "rows": rows}
        return 200, job

    def _run(self, query: dict[str, Any]) -> tuple[list[str], list[tuple[Any, ...]], int]:
        if query.get("useLegacySql"):
            raise ValueError("legacy SQL")
        given = {
            item["name"]: item["parameterValue"]["value"]
            for item in query.get("queryParameters", [])
        }
        sql = to_duckdb(query["query"])
        tables = []
        for day in sorted(self.partitions):
            rows = self.rows(day)
            moment = pa.array([datetime.fromisoformat(day)] * len(rows), pa.timestamp("us"))
            tables.append(rows.append_column("_PARTITIONTIME", moment))
        with duckdb.connect() as connection:
            connection.execute("set timezone = 'UTC'")
            if not tables:
                return ["day", "row_count", "newest", "months"], [], 0
            connection.register("export", pa.concat_tables(tables))
            cursor = connection.execute(sql, given)
            names = [item[0] for item in cursor.description or []]
            found = cursor.fetchall()
        counted = sum(row[names.index("row_count")] for row in found)
        return names, found, counted * self.bytes_a_row

    def _results(self, id: str, query: dict[str, str]) -> dict[str, Any]:
        job = self._jobs[id]
        start = int(query.get("pageToken") or 0)
        size = min(int(query.get("maxResults") or self.page_rows), self.page_rows)
        reference = job["job"]["jobReference"]
        return {"jobReference": reference, **page_of(job["columns"], job["rows"], start, size)}

    # --- Storage Read API -------------------------------------------------------------------------

    def create_read_session(self, request: Any, context: Any) -> Any:
        wanted = request.read_session
        options = wanted.read_options
        day = re.fullmatch(r"_PARTITIONDATE = '(\d{4}-\d\d-\d\d)'", options.row_restriction)
        table = f"projects/{PROJECT}/datasets/{DATASET}/tables/{TABLE}"
        unknown = set(options.selected_fields) - set(self.schema.names)
        if wanted.table != table:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Not found: {wanted.table}")
        if not day or unknown or wanted.data_format != types.DataFormat.ARROW:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"request error: {unknown or options}")
        if day[1] in self.fail_days:
            context.abort(grpc.StatusCode.INTERNAL, "the partition cannot be read now")
        self.partitions.get(day[1], []).extend(self.load_when_read.pop(day[1], []))
        self.parents.append(request.parent)
        self.read_days.append(day[1])
        fields = [name for name in self.schema.names if name in options.selected_fields]
        rows = self.rows(day[1]).select(fields)
        id = f"{request.parent}/sessions/{len(self._sessions)}"
        count = min(self.streams, request.max_stream_count or self.streams)
        size = -(-len(rows) // count) or 1
        session = types.ReadSession(
            name=id, table=table, data_format=types.DataFormat.ARROW,
            arrow_schema=types.ArrowSchema(
                serialized_schema=rows.schema.serialize().to_pybytes()
            ),
        )  # fmt: skip
        for number, start in enumerate(range(0, len(rows), size)):
            name = f"{id}/streams/{number}"
            self._sessions[name] = rows.slice(start, size)
            session.streams.append(types.ReadStream(name=name))
        return session

    def read_rows(self, request: Any, context: Any) -> Iterator[Any]:
        name, rows = request.read_stream, self._sessions[request.read_stream]
        if request.offset:
            self.resumed_at.append(request.offset)
        rows = rows.slice(request.offset, len(rows) - request.offset - self.lose_rows)
        for sent, batch in enumerate(
            rows.combine_chunks().to_batches(max_chunksize=self.batch_rows)
        ):
            if sent == self.break_after and name not in self._broken:
                self._broken.add(name)
                context.abort(grpc.StatusCode.UNAVAILABLE, "the stream broke on purpose")
            yield types.ReadRowsResponse(
                row_count=batch.num_rows,
                arrow_record_batch=types.ArrowRecordBatch(
                    serialized_record_batch=batch.serialize().to_pybytes(),
                    row_count=batch.num_rows,
                ),
            )


class _Handler(BaseHTTPRequestHandler):
    bigquery: BigQuery
    protocol_version = "HTTP/1.1"
    # One packet an answer: two would wait for each other.
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        status, answer = self.bigquery.answer(self.command, self.path, body)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _answer

    def log_message(self, format: str, *args: Any) -> None:
        del format, args


def _grpc_server(bigquery: BigQuery) -> tuple[grpc.Server, int]:
    handlers = {
        "CreateReadSession": grpc.unary_unary_rpc_method_handler(
            bigquery.create_read_session,
            request_deserializer=types.CreateReadSessionRequest.deserialize,
            response_serializer=types.ReadSession.serialize,
        ),
        "ReadRows": grpc.unary_stream_rpc_method_handler(
            bigquery.read_rows,
            request_deserializer=types.ReadRowsRequest.deserialize,
            response_serializer=types.ReadRowsResponse.serialize,
        ),
    }
    server = grpc.server(ThreadPoolExecutor(4))
    service = "google.cloud.bigquery.storage.v1.BigQueryRead"
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


@contextmanager
def serve(columns_left_out: Sequence[str] = ()) -> Iterator[BigQuery]:
    """Run a server, without the columns that an older table does not have."""
    schema = pa.schema([field for field in SCHEMA if field.name not in columns_left_out])
    bigquery = BigQuery(schema)
    handler = type("Handler", (_Handler,), {"bigquery": bigquery})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    rpc, port = _grpc_server(bigquery)
    bigquery.endpoint = f"http://127.0.0.1:{http.server_port}"
    bigquery.storage_endpoint = f"127.0.0.1:{port}"
    Thread(target=http.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield bigquery
    finally:
        http.shutdown()
        http.server_close()
        rpc.stop(None)
