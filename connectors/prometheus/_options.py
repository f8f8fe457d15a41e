"""What a source of metrics may configure."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator

from connectors._base import Options
from connectors.prometheus._metrics import QUERIES

Seconds = Annotated[int, Field(ge=1)]


class PrometheusOptions(Options):
    """Secrets are named by their environment variable and never stand here."""

    # 'samples' asks for the samples themselves, 'query_range' for values at every `step`.
    read: Literal["samples", "query_range"] = "samples"
    step: Seconds = 30
    # For how long a sample is believed if no other follows; after that nothing is known.
    staleness: Seconds = 300
    # Days before today that are read again: late remote writes.
    reread_days: Annotated[int, Field(ge=0)] = 2
    # How many days the first run reads; Prometheus keeps 15 unless told otherwise.
    history_days: Annotated[int, Field(ge=1)] = 15
    queries: tuple[str, ...] = tuple(query.name for query in QUERIES)
    # Added to every selector, such as cluster="prod",namespace=~"inference|kube-system".
    matchers: str = ""
    # Hours that one request asks for; less where the server says that it is too much.
    hours_a_request: Annotated[int, Field(ge=1, le=26)] = 4
    # False where another source, such as the cluster's events, tells the states more exactly.
    states: bool = True
    token_env: str | None = None
    username: str | None = None
    password_env: str | None = None
    # Such as {X-Scope-OrgID: team-a} for Mimir, or {THANOS-TENANT: team-a}.
    headers: Mapping[str, str] = {}
    # The bill's resource id of a node or host, where the cluster does not know it.
    resources: Mapping[str, str] = {}

    @field_validator("queries")
    @classmethod
    def _check_queries(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        known = [query.name for query in QUERIES]
        unknown = [name for name in names if name not in known]
        if unknown:
            raise ValueError(f"{unknown[0]} is no query; allowed: {', '.join(known)}")
        return names
