"""What two organizations used of Anthropic's models: groups of a day, at list prices.

The knowledge team checks articles with Claude in batches, and people try things out in the Console;
a second organization, of a team that came with an acquisition, has the legacy reports alone.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from larkspur.draws import Draws

OPUS, HAIKU = "claude-opus-5-5", "claude-haiku-4-5"
EVALUATION, LABS = "wrkspc_01LarkspurEvaluation", "wrkspc_01LarkspurLabs"
INPUT, CACHED, SHORT, LONG, OUTPUT = (
    "uncached_input_tokens",
    "cache_read_input_tokens",
    "cache_creation.ephemeral_5m_input_tokens",
    "cache_creation.ephemeral_1h_input_tokens",
    "output_tokens",
)
# Nanodollars a token.
PRICES = {
    OPUS: {INPUT: 5_000, CACHED: 500, SHORT: 6_250, LONG: 10_000, OUTPUT: 25_000},
    HAIKU: {INPUT: 1_000, CACHED: 100, SHORT: 1_250, LONG: 2_000, OUTPUT: 5_000},
}
NANODOLLAR = Decimal("1e-7")  # in cents


@dataclass(frozen=True)
class Use:
    """One group of a day: its tokens by type, or seconds of code that ran; and web searches."""

    day: date
    workspace: str | None
    model: str | None
    key: str | None
    tier: str | None
    context: str | None
    tokens: dict[str, int]
    searches: int = 0
    seconds: int = 0
    requests: int = 1

    def cents(self, token_type: str) -> Decimal:
        """At list prices; a batch costs half."""
        assert self.model
        nano = PRICES[self.model][token_type] * self.tokens[token_type]
        return Decimal(nano) * NANODOLLAR * (Decimal("0.5") if self.tier == "batch" else 1)

    @property
    def group(self) -> dict[str, str | None]:
        return {
            "workspace_id": self.workspace,
            "model": self.model,
            "api_key_id": self.key,
            "service_tier": self.tier,
            "context_window": self.context,
        }


def uses(day: date, fetched_at: str, draws: Draws) -> list[Use]:
    """What was used on a day. The first fetch of October was early: two days have grown since."""

    def count(name: str, most: int) -> int:
        return most // 3 + draws.number("anthropic", day, name) % most

    is_early = fetched_at < "20261020"
    nightly = {
        INPUT: count("nightly", 2_400_000), CACHED: count("cached", 900_000),
        OUTPUT: count("written", 240_000),
    }  # fmt: skip
    if is_early and day == date(2026, 10, 12):
        nightly[OUTPUT] -= 4_321
    reviews = {
        INPUT: count("review", 180_000), CACHED: count("reread", 700_000),
        SHORT: count("short", 60_000), LONG: count("long", 20_000), OUTPUT: count("out", 70_000),
    }  # fmt: skip
    tried = {INPUT: count("tried", 20_000), OUTPUT: count("answered", 9_000)}
    small = "0-200k"
    found = [
        Use(day, EVALUATION, HAIKU, "apikey_01LarkspurNightly", "batch", small, nightly),
        Use(
            day, EVALUATION, OPUS, "apikey_01LarkspurReview", "standard", small, reviews,
            searches=count("search", 20), requests=count("reviews", 60),
        ),
        Use(day, EVALUATION, None, None, None, None, {}, seconds=count("code", 900)),
    ]  # fmt: skip
    if not (is_early and day == date(2026, 10, 15)):
        # The default workspace, without a key: somebody in the Console.
        found.append(Use(day, None, OPUS, None, "standard", small, tried))
    if day.day % 9 == 0:
        long = {INPUT: count("whole", 400_000), OUTPUT: count("digest", 5_000)}
        key = "apikey_01LarkspurReview"
        found.append(Use(day, EVALUATION, OPUS, key, "standard", "200k-1M", long))
    return found


def legacy_uses(day: date, draws: Draws) -> list[Use]:
    """Two keys of a workspace: the costs know only their sum. Priority tier has no cost here."""

    def use(key: str, tier: str, most: int) -> Use:
        tokens = {
            INPUT: most // 2 + draws.number("legacy", day, key, tier) % most,
            OUTPUT: most // 20 + draws.number("legacy", day, key, tier, "out") % (most // 10),
        }
        return Use(day, LABS, HAIKU, key, tier, "0-200k", tokens)

    return [
        use("apikey_01LabsServer", "standard", 600_000),
        use("apikey_01LabsJobs", "standard", 300_000),
        use("apikey_01LabsServer", "priority", 40_000),
    ]
