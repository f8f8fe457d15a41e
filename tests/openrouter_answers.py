"""OpenRouter's answers, as it prints them, and a lake that they are landed in."""

import json
from pathlib import Path
from typing import Any

import duckdb

from connectors._base import Source, Window
from connectors._lake import Lake, LandReport
from connectors._normalize import normalize
from connectors.openrouter_activity import CONNECTOR


def record(day: str = "2026-10-01", usage: str = "0.015", **fields: Any) -> dict[str, Any]:
    """One record, its money a number as the API prints it."""
    return {
        "date": day, "model": "openai/gpt-4.1", "model_permaslug": "openai/gpt-4.1-2025-04-14",
        "endpoint_id": "550e8400", "provider_name": "OpenAI", "usage": usage,
        "byok_usage_inference": "0", "requests": 5, "prompt_tokens": 50,
        "completion_tokens": 125, "reasoning_tokens": 25, "cached_tokens": 10,
    } | fields  # fmt: skip


def answer(*records: dict[str, Any]) -> str:
    text = json.dumps({"data": list(records)})
    for row in records:
        for name in ("usage", "byok_usage_inference"):
            text = text.replace(f'"{name}": "{row[name]}"', f'"{name}": {row[name]}')
    return text


class Account:
    """Answers saved by hand, or a live account; and the lake that they are landed in."""

    def __init__(self, root: Path, url: str | None = None) -> None:
        self.root = root
        self.source = Source("openrouter", url or str(root / "saved"), CONNECTOR.options())
        self.lake = Lake(root / "lake")

    def save(self, answers: dict[str, str], fetched_at: str = "20261104T060000Z") -> None:
        folder = self.root / "saved" / "2026-10" / fetched_at
        folder.mkdir(parents=True)
        for day, text in answers.items():
            (folder / f"activity-{day}-0001.json").write_text(text)

    def land(self, window: Window = Window()) -> LandReport:  # noqa: B008
        return self.lake.land(self.source, CONNECTOR, window)

    def failures(self) -> list[str]:
        landed = self.land().failures
        return [*landed.values(), *normalize(self.lake, self.source, CONNECTOR).values()]

    def table(self, name: str = "charges") -> list[dict[str, Any]]:
        assert self.failures() == []
        files = self.lake.index().filter(table=name, status="current")["file"]
        paths = [str(self.lake.root / file) for file in files]
        return duckdb.from_parquet(paths).to_arrow_table().to_pylist()
