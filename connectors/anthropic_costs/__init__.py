"""Anthropic: what the organization's usage and cost endpoints answer.

The analytics endpoints (beta) say more: API keys, priority tier, list prices, and until when the
answer is complete. An organization without them, and months before 2026, are read from the legacy
cost and usage reports. A month comes from one or the other, never from both: they overlap.

Money is what was consumed after discounts and before credits; prepaid credits are payments, and
are never added. Nor are the estimates of usage_report/claude_code, which are in the costs already.

A location is https://api.anthropic.com/v1, or a folder of saved pages:
`2026-10/20261103T060000Z/cost-0001.json, usage-0001.json, workspaces-0001.json`, or of the legacy
reports `cost_report-0001.json, messages-0001.json`. A slot is a UTC month.
"""

from connectors._base import About, Connector, InputColumn
from connectors.anthropic_costs._fetch import AnthropicOptions, discover, fetch
from connectors.anthropic_costs._normalize import AMOUNTS, COST_TYPES, TOKEN_TYPES, normalize
from connectors.anthropic_costs._pages import DIMENSIONS, USAGE_COUNTS, read
from models.tables import CHARGES, TOKEN_USAGE

_PERIOD = (InputColumn("starting_at", "time", True), InputColumn("ending_at", "time", True))
_GROUP = tuple(InputColumn(name) for name in DIMENSIONS)

CONNECTOR = Connector(
    name="anthropic_costs",
    title="Anthropic usage and cost reports",
    produces=(CHARGES, TOKEN_USAGE),
    inputs={
        "costs": (
            *_PERIOD,
            InputColumn("amount", "money", True),
            InputColumn("list_amount", "money"),
            InputColumn("currency", "text", True),
            InputColumn("cost_type", allowed=COST_TYPES),
            InputColumn("token_type", allowed=tuple(TOKEN_TYPES)),
            InputColumn("description"),
            InputColumn("data_refreshed_at", "time"),
            *_GROUP,
        ),
        "usage": (*_PERIOD, *(InputColumn(name, "integer") for name in USAGE_COUNTS), *_GROUP),
        "workspaces": (InputColumn("id", "text", True), InputColumn("name")),
    },
    discover=discover,
    fetch=fetch,
    read=read,
    normalize=normalize,
    amounts=AMOUNTS,
    about=About(
        vendor="Anthropic",
        kind="llm",
        interface="analytics cost and usage endpoints (beta), else the legacy reports; or saved",
        granularity="day; workspace, model, API key, service tier, context window, token type",
        restated="until the refresh mark is three days past the month; legacy: a week past it",
        cannot_tell="tax, credits and payments; legacy: API keys, list prices and priority tier",
        tested_with="the sample company's answers; both APIs on loopback, paged, refusing, failing",
    ),
    options=AnthropicOptions,
)
