"""Who Larkspur Desk is: customers, features, workflows, models, keys; prices in nanodollars."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

NONE = "(none)"
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000

CUSTOMERS = [f"cust-{number:03d}" for number in range(1, 41)]
CUSTOMER_WEIGHTS = [1200 // rank for rank in range(1, 41)]

FEATURE_TEAMS = {
    "ticket-reply": "assist",
    "agent-assist": "assist",
    "article-search": "knowledge",
    "insights-report": "knowledge",
    "conversation-summary": "platform",
    "ticket-triage": "platform",
}


@dataclass(frozen=True)
class Workflow:
    """One workflow of a feature; a run calls its models one after the other."""

    name: str
    feature: str
    weight: int
    models: tuple[str, ...]


MINI, FULL, EMBEDDING = "gpt-5-mini", "gpt-5", "text-embedding-3-small"
CHAT, LIGHT = "llama-3.3-70b-instruct", "llama-3.1-8b-instruct"

WORKFLOWS = [
    Workflow("draft_reply", "ticket-reply", 22, (MINI,)),
    Workflow("polish_reply", "ticket-reply", 10, (CHAT,)),
    Workflow("answer_question", "article-search", 16, (EMBEDDING, MINI)),
    Workflow("index_article", "article-search", 6, (EMBEDDING,)),
    Workflow("summarize_conversation", "conversation-summary", 12, (CHAT,)),
    Workflow("classify_ticket", "ticket-triage", 14, (LIGHT,)),
    Workflow("detect_language", "ticket-triage", 6, (LIGHT,)),
    Workflow("suggest_next_step", "agent-assist", 6, (LIGHT, CHAT)),
    Workflow("escalate_ticket", "agent-assist", 4, (LIGHT, MINI)),
    Workflow("weekly_digest", "insights-report", 4, (MINI, MINI)),
]


@dataclass(frozen=True)
class Model:
    """How big and how long the calls of a model are. Tokens; microseconds a token; milliseconds."""

    name: str
    response_name: str
    provider: str
    input_low: int
    input_span: int
    output_low: int
    output_span: int
    fixed_ms: int
    input_us: int
    output_us: int


MODELS = [
    Model(MINI, "gpt-5-mini-2025-08-07", "openai", 300, 40_000, 60, 3_000, 350, 8, 6_000),
    Model(FULL, "gpt-5-2025-08-07", "openai", 300, 40_000, 80, 3_600, 600, 12, 11_000),
    Model(EMBEDDING, "text-embedding-3-small", "openai", 8, 1_200, 0, 0, 60, 20, 0),
    Model(CHAT, CHAT, "vllm", 400, 7_000, 300, 2_700, 250, 150, 45_000),
    Model(LIGHT, LIGHT, "vllm", 150, 2_500, 60, 1_100, 90, 60, 18_000),
]
SUMMARIZER, TITLER = "gpt-4.1-mini", "gpt-4.1-nano"  # of the beta of calls
RESPONSE_NAME = {model.name: model.response_name for model in MODELS} | {
    name: f"{name}-2025-04-14" for name in (SUMMARIZER, TITLER)
}

# Nanodollars a token.
TOKEN_PRICES = {
    MINI: {"input": 250, "cached input": 25, "output": 2_000},
    FULL: {"input": 1_250, "cached input": 125, "output": 10_000},
    EMBEDDING: {"input": 20},
    SUMMARIZER: {"input": 400, "cached input": 100, "output": 1_600},
    TITLER: {"input": 100, "cached input": 25, "output": 400},
}

PROJECTS = {
    "key_assist_web": "proj_larkspur_assist",
    "key_assist_jobs": "proj_larkspur_assist",
    "key_search_api": "proj_larkspur_search",
    "key_dev": "proj_larkspur_dev",
}

# Local office hours as UTC: quiet nights, two humps.
HOUR_WEIGHTS = [3, 2, 2, 2, 2, 3, 5, 12, 26, 38, 40, 34, 24, 32, 40, 38, 30, 20, 12, 8, 6, 5, 4, 4]
MIDNIGHT_WEIGHT = (
    300  # extra lots for the last minute of a day, so that some attempts cross midnight
)


@dataclass(frozen=True)
class Period:
    """Whole UTC days, as milliseconds since 1970."""

    first: date
    days: int

    @property
    def start(self) -> int:
        return to_ms(datetime(self.first.year, self.first.month, self.first.day, tzinfo=UTC))

    @property
    def end(self) -> int:
        return self.start + self.days * DAY

    def day(self, index: int) -> int:
        return self.start + index * DAY

    def dates(self) -> list[date]:
        return [self.first + timedelta(days=index) for index in range(self.days)]


SAMPLE = Period(date(2026, 10, 1), 34)
SAMPLE_ATTEMPTS = 20_000
SEED = 20_261_001


def to_ms(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def to_datetime(ms: int) -> datetime:
    """UTC without a zone, as the files write it."""
    return datetime(1970, 1, 1) + timedelta(milliseconds=ms)


def to_date(ms: int) -> date:
    return to_datetime(ms).date()


def iso(ms: int) -> str:
    return to_datetime(ms).isoformat(timespec="milliseconds") + "Z"


def month_of(ms: int) -> str:
    return to_datetime(ms).strftime("%Y-%m")


def month_bounds(month: str) -> tuple[int, int]:
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    following = (first + timedelta(days=32)).replace(day=1)
    return to_ms(first), to_ms(following)
