"""OpenAI: what the organization's costs and usage endpoints answer.

Money comes from `costs` alone: what was consumed, at the contracted price. It is not what was paid:
prepaid top-ups are payments, and are never added. The usage endpoints carry no money; those that
count tokens (completions, embeddings, moderations) become token usage, the others (images, seconds,
characters, sessions, calls, bytes) stay in the raw delivery.

A location is https://api.openai.com/v1, or a folder of saved pages:
`2026-10/20261103T060000Z/costs-0001.json, completions-0001.json, …`. A slot is a UTC month.
"""

from connectors._base import About, Connector, InputColumn
from connectors._http import discover
from connectors.openai_costs._fetch import OpenAIOptions, fetch
from connectors.openai_costs._normalize import AMOUNTS, normalize
from connectors.openai_costs._pages import USAGE_COUNTS, read
from models.tables import CHARGES, TOKEN_USAGE

_BUCKET = (InputColumn("start_time", "integer", True), InputColumn("end_time", "integer", True))

CONNECTOR = Connector(
    name="openai_costs",
    title="OpenAI organization costs and usage",
    produces=(CHARGES, TOKEN_USAGE),
    inputs={
        "costs": (
            *_BUCKET,
            InputColumn("amount_value", "money", True),
            InputColumn("amount_currency", "text", True),
            InputColumn("line_item"),
            InputColumn("project_id"),
            InputColumn("api_key_id"),
            InputColumn("quantity", "quantity"),
            # An open list: a new unit is kept as it is.
            InputColumn("quantity_unit"),
        ),
        "usage": (
            *_BUCKET,
            InputColumn("endpoint", "text", True),
            *(InputColumn(name, "integer") for name in USAGE_COUNTS),
        ),
        "projects": (InputColumn("id", "text", True), InputColumn("name")),
    },
    discover=discover,
    fetch=fetch,
    read=read,
    normalize=normalize,
    amounts=AMOUNTS,
    about=About(
        vendor="OpenAI",
        kind="llm",
        interface="organization costs and usage endpoints, or saved answers",
        granularity="day; project, line item and API key",
        restated="recent days without notice: the open and the previous month are read again",
        cannot_tell="tax and payments, which are on the invoice only; requests",
        tested_with="the sample company's answers; the API on loopback, paged, throttled, failing",
    ),
    options=OpenAIOptions,
)
