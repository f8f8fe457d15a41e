"""Cost drivers as configured: what kind of cost a charge is, and on which path its work runs."""

from typing import Literal, Self, get_args

from pydantic import model_validator

from models.attribution import Entities, Match
from models.base import Dated

CostDriver = Literal[
    "inference_compute_gpu",
    "inference_compute_cpu",
    "inference_compute_tpu",
    "instance_uptime",
    "idle_capacity",
    "start_up",
    "memory",
    "tokens_input",
    "tokens_cache_read",
    "tokens_cache_write",
    "tokens_output",
    "tokens_audio",
    "tokens_unspecified",
    "provisioned_throughput",
    "tool_calls",
    "media",
    "embeddings",
    "reranking",
    "guardrails",
    "vector_database",
    "databases",
    "storage",
    "egress_internet",
    "egress_cross_region",
    "egress_cross_zone",
    "cdn",
    "load_balancers",
    "network",
    "orchestration",
    "observability",
    "experimentation",
    "training",
    "background_jobs",
    "model_sprawl",
    "unused_commitments",
    "support",
    "tax",
    "credits",
    "discounts",
    "other",
]
# The closed list, in the order of reports; dbt/seeds/cost_drivers.csv says what each means.
COST_DRIVERS: tuple[str, ...] = get_args(CostDriver)
# Somebody waits for it; it runs beside; it runs on its own time.
Path = Literal["hot", "warm", "cold"]


class CostDriverRule(Dated):
    """Charges that are of this kind of cost, whatever the shipped rules say."""

    driver: CostDriver
    when: Match


class PathRule(Dated):
    """Work that runs on this path: globs of whose it is, all of which must hold."""

    path: Path
    when: Entities

    @model_validator(mode="after")
    def _check_not_empty(self) -> Self:
        if not self.when.model_dump(exclude_defaults=True):
            raise ValueError("when: at least one entity is needed, such as {workflow: weekly_*}")
        if self.when.customer:
            raise ValueError("when: a path is of work, not of a customer; leave customer out")
        return self
