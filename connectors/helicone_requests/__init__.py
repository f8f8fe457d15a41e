"""Helicone's requests: what its export tool writes, or its API answers.

    location   folder (or s3://bucket/prefix) of JSON lines (`npx @helicone/export --format jsonl`),
               or of the answers of POST /v1/request/query-clickhouse as they came (`{"data": […]}`)
    slot       the files whose paths name one day, else a file; a request that comes again is
               counted once
    attempts   one row a request. What Helicone answered from its own cache is `cached`; a retry is
               a request of its own, of the same operation where a property says so.

Helicone counts what was not cached in prompt_tokens, and reasoning beside completion_tokens. The
CSV of the export tool lacks the cached counts, the status of the cache and the request's id: it is
refused.
"""

from connectors._usage import shipped

CONNECTOR = shipped(__file__)
