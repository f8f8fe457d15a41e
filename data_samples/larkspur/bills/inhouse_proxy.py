"""The log of a proxy that Larkspur wrote itself, and the map that says what it means.

A CSV a day with semicolons and local times; a retry repeats the id of the call it belongs to.
"""

import csv
import io
from datetime import timedelta
from pathlib import Path

from larkspur.company import Period, to_datetime
from larkspur.draws import Draws
from larkspur.gateway import VECTORS, Request, by_day, requests
from larkspur.totals import Total
from larkspur.writing import write_text

FOLDERS = ("inhouse_proxy",)
_COLUMNS = (
    "call", "try", "from", "to", "kind", "model", "tenant", "labels", "http", "tokens_in", "cached",
    "tokens_out", "from_cache",
)  # fmt: skip
_HTTP = {"ok": 200, "cached": 200, "failed": 504, "rejected": 429, "cut_off": 499}
_SUMMER_TIME = timedelta(hours=2)

MAP = """\
title: Larkspur's own proxy
documentation: https://larkspur.example/wiki/proxy
about:
  vendor: Larkspur Desk
  kind: telemetry
  interface: the proxy's CSV, a file a day
  granularity: attempt
  restated: nothing
  cannot_tell: cache writes
  tested_with: the sample company's requests

files: {delimiter: ";"}
time: {format: "%d.%m.%Y %H:%M:%S.%f", zone: Europe/Berlin}
unique: concat_ws('-', call, try)

attempts:
  trace_id: call
  span_id: concat_ws('-', call, try)
  started_at: '"from"'
  ended_at: '"to"'
  operation_name: if(kind = 'vector', 'embeddings', 'chat')
  provider_name: if(starts_with(model, 'claude'), 'anthropic', 'openai')
  request_model: model
  response_model: model
  http_status: http
  is_cached: from_cache = 'yes'
  input_tokens: tokens_in
  cache_read_tokens: cached
  output_tokens: tokens_out

entities:
  customer: [tenant]
  feature: ["labels[feature]"]
  team: ["labels[team]"]
  inference: [call]
"""


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    del period  # always the same three days
    folder, delivered = out / "inhouse_proxy", 0
    write_text(MAP, folder / "map.yml")
    for day, found in by_day(list(requests(draws))).items():
        rows = [_row(request) for request in found]
        # The log was rotated while it was written: its first lines came twice.
        rows += rows[:3]
        text = io.StringIO()
        writer = csv.writer(text, delimiter=";", lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows(rows)
        write_text(text.getvalue(), folder / f"proxy-{day:%Y%m%d}.csv")
        delivered += len(rows)
    return [Total("inhouse_proxy", "", delivered, None, None, connector="usage_mapping",
                  location="inhouse_proxy")]  # fmt: skip


def _time(ms: int) -> str:
    return f"{to_datetime(ms) + _SUMMER_TIME:%d.%m.%Y %H:%M:%S.%f}"


def _row(request: Request) -> list[object]:
    labels = [f"feature={request.feature}", f"team={request.team}"] if request.feature else []
    known = request.has_usage
    # The proxy sees no cache writes: they are part of the input that was not cached.
    return [
        request.operation,
        request.attempt,
        _time(request.started_ms),
        _time(request.ended_ms),
        "vector" if request.asked is VECTORS else "chat",
        request.model.name,
        request.customer,
        "[" + ", ".join(f'"{label}"' for label in labels) + "]",
        _HTTP[request.outcome],
        request.prompt if known else "",
        request.cache_read if known else "",
        request.output if known else "",
        "yes" if request.outcome == "cached" else "no",
    ]
