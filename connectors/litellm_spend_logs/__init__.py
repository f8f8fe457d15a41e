"""LiteLLM's table of requests, LiteLLM_SpendLogs, as CSV, Parquet or JSON lines.

    location   folder (or s3://bucket/prefix) of files as COPY writes them:
               copy (select * from "LiteLLM_SpendLogs" where "startTime" >= '2026-10-08'
               and "startTime" < '2026-10-09') to stdout (format csv, header)
    slot       the files whose paths name one day, else a file; what one of them says again is
               counted once
    attempts   one row a call of a model: chat, completions, responses, messages, embeddings. A
               stored response that is fetched again is none. A retry or fallback is an attempt of
               the operation that failed before it: the same session, key and model asked for.

Counts come from `metadata.usage_object`, which says more than the columns, and from these where an
older version wrote none: their 0 without a usage object is unknown. LiteLLM counts cached input
inside prompt_tokens; versions of 2025 left out cache writes, or all of it, and a part that does not
fit inside the whole is read as beside it. Raw usage of Anthropic (`input_tokens`) is disjoint.

`spend` is the gateway's own estimate and never a cost.
"""

from connectors._usage import shipped

CONNECTOR = shipped(__file__)
