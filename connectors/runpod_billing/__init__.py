"""RunPod: what the billing endpoints answer, hour by hour and pod by pod.

Two shapes, told apart by what they look like: v1 is an array of {time, amount, timeBilledMs,
podId, …}, v2 is {records: [{startTime, endTime, totalAmount, podId, …}], metadata: {recordCount,
totals, …}}. Disk is part of a pod's amount. v2 does not say for how long a pod was billed.

A location is https://rest.runpod.io/v1, https://api.runpod.io/v2, or a folder of saved answers:
`2026-10/20261103T060000Z/pods.json`. A slot is a UTC month. Ask for `bucketSize=hour` and
`grouping=podId`: the API's default, by GPU type, is money that belongs to no pod, and stays so.
"""

from connectors._base import About, Connector, InputColumn
from connectors._http import discover
from connectors.runpod_billing._answers import read
from connectors.runpod_billing._fetch import RunPodOptions, fetch
from connectors.runpod_billing._normalize import AMOUNTS, normalize
from models.tables import CHARGES

CONNECTOR = Connector(
    name="runpod_billing",
    title="RunPod billing history",
    produces=(CHARGES,),
    inputs={
        "records": (
            InputColumn("time", "time", True),
            InputColumn("end_time", "time"),
            InputColumn("amount", "money", True),
            InputColumn("time_billed_ms", "quantity"),
            InputColumn("bucket_size", allowed=("hour", "day")),
        )
    },
    discover=discover,
    fetch=fetch,
    read=read,
    normalize=normalize,
    amounts=AMOUNTS,
    about=About(
        vendor="RunPod",
        kind="gpu",
        interface="billing endpoints of REST v1 and v2, or saved answers",
        granularity="hour; pod or endpoint",
        restated="the running hour: the open and the previous month are read again",
        cannot_tell="how many GPUs a pod has; v2: for how long it was billed",
        tested_with="the sample company's answers; both APIs on loopback",
    ),
    options=RunPodOptions,
)
