"""OpenRouter's daily activity: models that the assist team tries before it chooses one.

One of them is called with the team's own OpenAI key: that money is on OpenAI's bill.
"""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from larkspur.company import Period
from larkspur.draws import Draws
from larkspur.totals import Total
from larkspur.writing import write_json

FOLDERS = ("openrouter",)

WORKSPACE = "7d2f3c1e-5b7a-4c1f-9a64-2e8b0c9d1f35"
# Model, permaslug, who serves it, nanodollars an input and an output token, whose key.
MODELS = [
    ("mistralai/mistral-large", "mistralai/mistral-large-2512", "Mistral", 2_000, 6_000, "ours"),
    ("qwen/qwen3-235b-a22b", "qwen/qwen3-235b-a22b-07-25", "DeepInfra", 130, 600, "ours"),
    ("deepseek/deepseek-chat", "deepseek/deepseek-chat-v3.1", "Fireworks", 560, 1_680, "ours"),
    ("openai/gpt-5-mini", "openai/gpt-5-mini-2025-08-07", "OpenAI", 250, 2_000, "own"),
]
BYOK_FEE = Decimal("0.05")


def _row(day: date, number: int, fetched_at: str, draws: Draws) -> dict[str, object]:
    model, slug, provider, input_nano, output_nano, key = MODELS[number]
    prompt = 200_000 + draws.number("openrouter", day, model) % 1_500_000
    completion = 20_000 + draws.number("openrouter out", day, model) % 150_000
    cached = prompt // 7
    # Once what was cached was counted apart from the prompt, and once a day was amended.
    if day == date(2026, 10, 11) and number == 2:
        cached = prompt + 1_234
    if day == date(2026, 10, 17) and number == 0 and fetched_at < "20261020":
        completion -= 5_000
    cost = Decimal(prompt * input_nano + completion * output_nano).scaleb(-9)
    byok = key == "own"
    return {
        "date": str(day),
        "model": model,
        "model_permaslug": slug,
        "endpoint_id": f"{draws.hexadecimal(8, model)}-29b4-41d4-a716-446655440000",
        "provider_name": provider,
        "usage": cost * BYOK_FEE if byok else cost,
        "byok_usage_inference": cost if byok else Decimal(0),
        "requests": 40 + prompt % 300,
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "reasoning_tokens": completion // 4,
        "cached_tokens": cached,
        "workspace_id": WORKSPACE,
    }


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    """Writes an answer a day, asked twice in October; returns what the last answers add up to."""
    days = period.dates()
    october = [day for day in days if day.month == 10]
    november = [day for day in days if day.month == 11]
    totals: dict[str, Total] = {}
    for fetched_at, asked in (
        ("20261018T060000Z", october[:17]),
        ("20261104T060000Z", october),
        ("20261104T060000Z", november),
    ):
        if not asked:
            continue
        amounts: list[Decimal] = []
        month = f"{asked[0]:%Y-%m}"
        for day in asked:
            rows = [_row(day, number, fetched_at, draws) for number in _tried(day)]
            amounts += [amount for row in rows if isinstance(amount := row["usage"], Decimal)]
            folder = out / "openrouter" / month / fetched_at
            write_json({"data": rows}, folder / f"activity-{day}-0001.json")
        cost = sum(amounts, Decimal(0))
        totals[month] = Total(
            "openrouter", month, len(amounts), cost, cost,
            connector="openrouter_activity", location="openrouter",
        )  # fmt: skip
    return list(totals.values())


def _tried(day: date) -> list[int]:
    """Nobody tries models on a Sunday: that day's answer is empty."""
    if (day + timedelta(days=1)).weekday() == 0:
        return []
    return [number for number in range(len(MODELS)) if (day.day + number) % 3]
