"""The guide's worked example of a map of usage is tried as it is printed."""

import re
from pathlib import Path

import pytest
from usage_logs import UNKNOWN, Log, tokens

from connectors._maps.macros import USAGE_MACROS
from connectors._usage.map import ENTITIES, KEYS, UsageMap

GUIDE = (Path(__file__).parents[1] / "docs" / "usage-maps.md").read_text()


def printed(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def proxy(tmp_path: Path) -> Log:
    (tmp_path / "proxy.yml").write_text(printed("yaml")[1])
    return Log(tmp_path, "usage_mapping", map="proxy.yml")


def test_the_guides_map_reads_its_log_as_the_guide_says(proxy: Log) -> None:
    proxy.text(printed("json")[0], "2026-10-08.jsonl")
    first, failed, retried, cached = proxy.attempts()
    assert tokens(first) == {"uncached_input": 176, "cache_read": 1024, "output": 80}
    assert (first["customer_id"], first["feature"]) == ("acme", "search")
    assert (failed["status"], tokens(failed)) == ("error", UNKNOWN)
    assert failed["inference_id"] == retried["inference_id"] == "op-2"
    assert tokens(retried) == {"uncached_input": 300}
    assert (cached["status"], tokens(cached)) == ("cached", UNKNOWN)


def test_the_guide_names_every_key_entity_and_function() -> None:
    keys = {field.alias or name for name, field in UsageMap.model_fields.items()}
    named = {*keys, *KEYS, *ENTITIES, *USAGE_MACROS}
    assert {name for name in named if not re.search(rf"\b{name}\b", GUIDE)} == set()
