"""The table of docs/focus.md: who sees which corruption. Written by `make conformance`."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from conformance.mutations import MUTATIONS

DOCUMENT = Path(__file__).parents[1] / "docs" / "focus.md"
START = "<!-- written by make conformance -->"
END = "<!-- end -->"
_SEEN = {True: "yes", False: "no", None: "no rules for 1.4"}


def write_table(official: Mapping[str, bool | None]) -> str:
    """Write who sees what; return the sums in a sentence."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    sentence = summary(official)
    table = "\n".join([sentence, "", *_lines(official)])
    DOCUMENT.write_text(f"{before}{START}\n{table}\n{END}{after}", encoding="utf-8")
    return sentence


def summary(official: Mapping[str, bool | None]) -> str:
    """Return how many corruptions are seen by our rules, which the tests prove, and by theirs."""
    asked = [seen for seen in official.values() if seen is not None]
    return (
        f"Of {len(MUTATIONS)} corruptions, our rules see {len(MUTATIONS)}; of the {len(asked)} "
        f"that FOCUS 1.2 can have, the official validator sees {sum(asked)}."
    )


def _lines(official: Mapping[str, bool | None]) -> Iterator[str]:
    yield "| corruption | our rule | official validator |"
    yield "|---|---|---|"
    for mutation in MUTATIONS:
        seen = _SEEN[official[mutation.name]]
        yield f"| {mutation.name} | `{mutation.rule}` | {seen} |"
