"""Run by litellm's own Python: price the events of a JSON file, one after the other."""

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from time import perf_counter

# Its own copy of the prices: nothing is fetched.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"


def main() -> None:
    """Print seconds, rows and dollars as JSON."""
    cost_per_token = import_module("litellm").cost_per_token
    events = json.loads(Path(sys.argv[1]).read_text())
    began, dollars = perf_counter(), 0.0
    for event in events:
        cached = event["cache_read_tokens"]
        prompt, completion = cost_per_token(
            model=event["model"],
            custom_llm_provider="openai",
            prompt_tokens=event["uncached_input_tokens"] + cached,
            completion_tokens=event["output_tokens"],
            cache_read_input_tokens=cached,
        )
        dollars += prompt + completion
    seconds = perf_counter() - began
    print(json.dumps({"seconds": seconds, "rows": len(events), "dollars": dollars}))


if __name__ == "__main__":
    main()
