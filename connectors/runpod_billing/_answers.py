"""Read what the API answered, and check that it is complete by its own word."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from connectors._http import read_json
from connectors._sql import quoted
from models.errors import ContractError

SERVICES = {
    "pods": ("RunPod Pods", "Pod", "Compute", "Virtual Machines"),
    "endpoints": ("RunPod Serverless", "Serverless endpoint", "Compute", "Serverless Compute"),
    "serverless": ("RunPod Serverless", "Serverless endpoint", "Compute", "Serverless Compute"),
    "public-endpoints": (
        "RunPod Public Endpoints",
        "Public endpoint",
        "AI and Machine Learning",
        "Generative AI",
    ),
    "clusters": ("RunPod Instant Clusters", "Instant Cluster", "Compute", "Virtual Machines"),
    "networkvolumes": ("RunPod Network Volumes", "Network volume", "Storage", "File Storage"),
}
_FIELDS = (
    "time", "startTime", "endTime", "amount", "totalAmount", "endpointAmount", "timeBilledMs",
    "podId", "endpointId", "serverlessId", "clusterId", "networkVolumeId", "gpuTypeId",
)  # fmt: skip


@dataclass(frozen=True)
class Answer:
    records: list[dict[str, Any]]
    bucket_size: str | None


def read_answer(folder: Path, file: str) -> Answer:
    """Read an answer of either API, complete by its own word."""
    answer = read_json(folder, file)
    metadata: dict[str, Any] = {}
    if isinstance(answer, dict):
        metadata = answer.get("metadata") or {}
        answer = answer.get("records")
    if not isinstance(answer, list) or not all(isinstance(row, dict) for row in answer):
        raise ContractError(f"{file} is neither a list of records nor has it the list 'records'")
    _check_totals(answer, metadata, file)
    return Answer(answer, metadata.get("bucketSize"))


def _check_totals(records: list[dict[str, Any]], metadata: dict[str, Any], file: str) -> None:
    count = metadata.get("recordCount")
    if count is not None and str(count) != str(len(records)):
        raise ContractError(f"{file} says recordCount {count}, but it has {len(records)} records")
    for name, stated in (metadata.get("totals") or {}).items():
        try:
            total = sum((Decimal(row[name]) for row in records), Decimal(0))
            difference = abs(total - Decimal(stated))
        except (KeyError, TypeError, InvalidOperation):
            continue  # not a sum of the records, or not a number: normalizing names that
        # The vendor adds in binary floating point.
        if difference > Decimal("0.000001"):
            raise ContractError(f"{file} says {name} {stated}, but its records add up to {total}")


def _endpoint(file: str) -> str:
    endpoint = re.sub(r"(-\d+)?\.json$", "", file)
    if endpoint not in SERVICES:
        raise ContractError(f"{file} is not an answer; allowed: {', '.join(SERVICES)} and .json")
    return endpoint


def read(connection: DuckDBPyConnection, folder: Path, files: Sequence[str]) -> dict[str, str]:
    """Return the input `records`: one row a record, numbers as the vendor's text."""
    connection.execute(
        "create temp table answers (x_file varchar, endpoint varchar, bucket varchar, data varchar)"
    )
    for file in sorted(files):
        answer = read_answer(folder, file)
        row = (file, _endpoint(file), answer.bucket_size, json.dumps(answer.records))
        connection.execute("insert into answers values (?, ?, ?, ?)", row)
    structure = json.dumps([dict.fromkeys(_FIELDS, "VARCHAR")])
    connection.execute(_RECORDS.format(structure=quoted(structure)))
    twice = connection.execute(_TWICE).fetchone()
    if twice:
        raise ContractError(f"{twice[0]} and {twice[1]} have the same record: an answer came twice")
    return {"records": "select * from read_records"}


# The answer of v1 does not say how long its buckets are. Hours show as times off midnight; a pod
# billed for more than an hour, or several midnights and nothing else, as days.
_RECORDS = """
create temp table read_records as
with unnested as (
    select
        x_file,
        endpoint,
        bucket,
        unnest(from_json(data, {structure})) as record,
        generate_subscripts(from_json(data, '["JSON"]'), 1) as x_row
    from answers
),

named as (
    select
        x_file,
        x_row,
        endpoint,
        bucket,
        coalesce(record.time, record.startTime) as time,
        record.endTime as end_time,
        coalesce(record.amount, record.totalAmount, record.endpointAmount) as amount,
        record.timeBilledMs as time_billed_ms,
        nullif(record.podId, '') as pod_id,
        coalesce(nullif(record.endpointId, ''), nullif(record.serverlessId, '')) as endpoint_id,
        nullif(record.clusterId, '') as cluster_id,
        nullif(record.networkVolumeId, '') as network_volume_id,
        nullif(record.gpuTypeId, '') as gpu_type_id,
        try_cast(coalesce(record.time, record.startTime) as timestamp) as moment,
        if(pod_id is null, null, try_cast(record.timeBilledMs as decimal(38, 12)))
            as pod_milliseconds
    from unnested
)

select
    * exclude (bucket, moment, pod_milliseconds),
    coalesce(
        bucket,
        case
            when bool_or(moment <> date_trunc('day', moment)) over answer then 'hour'
            when max(pod_milliseconds) over answer > 86400000 then 'longer than a day'
            when max(pod_milliseconds) over answer > 3600000 then 'day'
            when min(moment) over answer < max(moment) over answer then 'day'
            else 'hour'
        end
    ) as bucket_size
from named
window answer as (partition by x_file)
order by x_file, x_row
"""
_TWICE = """
select min(x_file), max(x_file)
from read_records
group by endpoint, time, pod_id, endpoint_id, cluster_id, network_volume_id, gpu_type_id
having count(distinct x_file) > 1
limit 1
"""
