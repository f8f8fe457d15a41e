"""OpenRouter: a row a day, model and endpoint of what was spent, and the tokens of it.

`usage` is what OpenRouter takes from the account's credits: a charge. Topping credits up is a
payment, and never added. `byok_usage_inference` is spent with the user's own key of the provider
behind: it is on that provider's bill, and no charge here; its tokens are counted all the same.

A location is https://openrouter.ai/api/v1, or a folder of saved answers:
`2026-10/20261103T060000Z/activity-2026-10-01-0001.json, …`. A slot is a UTC month, an answer a day
of it. Only the last 30 completed days are offered: days that are gone are carried over from the
delivery before, so ask at least once a month.
"""

from connectors._base import About, Connector, InputColumn
from connectors.openrouter_activity._answers import COUNTS, TEXTS, read
from connectors.openrouter_activity._fetch import OpenRouterOptions, discover, fetch
from connectors.openrouter_activity._normalize import AMOUNTS, normalize
from models.tables import CHARGES, TOKEN_USAGE

CONNECTOR = Connector(
    name="openrouter_activity",
    title="OpenRouter daily activity",
    produces=(CHARGES, TOKEN_USAGE),
    inputs={
        "activity": (
            *(InputColumn(name, required=name in ("date", "model_permaslug")) for name in TEXTS),
            *(InputColumn(name, "integer") for name in COUNTS),
            InputColumn("usage", "money", True),
            InputColumn("byok_usage_inference", "money"),
        )
    },
    discover=discover,
    fetch=fetch,
    read=read,
    normalize=normalize,
    amounts=AMOUNTS,
    about=About(
        vendor="OpenRouter",
        kind="llm",
        interface="activity endpoint, or saved answers",
        granularity="day; model, endpoint and workspace",
        restated="the last three completed days; days past 30 are no longer offered",
        cannot_tell="API keys, token types apart, payments; what BYOK costs is on another bill",
        tested_with="the sample company's answers; the API on loopback; the documented example",
    ),
    options=OpenRouterOptions,
)
