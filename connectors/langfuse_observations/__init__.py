"""Langfuse's observations: its blob storage export, answers of its API, or rows of ClickHouse.

    location   folder (or s3://bucket/prefix) of JSON lines, JSON, CSV or Parquet:
               `observations_v2/` (enriched), or `observations/` with `traces/` beside it, as the
               export lays them out
    slot       the files whose paths name one day, with the traces of that day and the day before
    attempts   one row a GENERATION or EMBEDDING that repeats no other below it. Of several versions
               of an id the one with the greatest event_ts (else updated_at) counts; a deleted one
               is none.

`usage_details` are disjoint buckets: `input` is what was not cached. Where the bucket `total` says
that an instrument wrote the cached part into `input` too, it is taken out.
"""

from connectors._usage import shipped

CONNECTOR = shipped(__file__)
