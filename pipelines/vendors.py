"""What can be read: a row a connector, from what each says about itself; docs/vendors.md is it."""

from connectors import all_connectors
from connectors._base import About

_KINDS = {
    "cloud": "Clouds",
    "llm": "LLM APIs",
    "gpu": "GPU clouds",
    "generic": "Anything else",
    "telemetry": "Telemetry",
    "business": "Business",
}
_COLUMNS = ("interface", "granularity", "restated", "cannot_tell", "tested_with")
_HEADINGS = ("Read by", "Granularity", "What may change later", "Cannot tell", "Tested with")


def vendors_page() -> str:
    """Return docs/vendors.md: a table a kind of vendor, in Markdown."""
    lines = [
        "# What unitledger reads",
        "",
        "Made by `unitledger vendors` from what each connector says about itself; do not edit it.",
    ]
    for kind, title in _KINDS.items():
        lines += ["", f"## {title}", "", *_table(kind)]
    return "\n".join(lines) + "\n"


def _table(kind: str) -> list[str]:
    known = sorted(all_connectors().values(), key=lambda item: (item.about.vendor, item.name))
    headings = ["Vendor", "Connector", *_HEADINGS]
    return [
        f"| {' | '.join(headings)} |",
        f"|{'---|' * len(headings)}",
        *(
            f"| {item.about.vendor} | `{item.name}` | {' | '.join(_cells(item.about))} |"
            for item in known
            if item.about.kind == kind
        ),
    ]


def _cells(about: About) -> list[str]:
    return [str(getattr(about, column)).replace("|", "\\|") for column in _COLUMNS]
