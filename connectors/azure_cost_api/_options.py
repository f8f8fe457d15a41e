"""What a source of the API may configure."""

from typing import Literal

from connectors._base import Options


class ApiOptions(Options):
    """Reports where the scope has them, or always one of the two; a query has no prices."""

    interface: Literal["report or query", "report", "query"] = "report or query"
    # What a query groups by; it takes two.
    group_by: tuple[str, str] = ("ResourceId", "Meter")
