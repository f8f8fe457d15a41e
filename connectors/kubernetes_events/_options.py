"""What a source of Kubernetes events may configure."""

from collections.abc import Mapping

from pydantic import Field

from connectors._base import Options


class KubernetesOptions(Options):
    """Labels of nodes that name their pool, and of pods their model, before the usual ones.

    `resources` says what the bill calls a machine, by its node's name or the end of its
    providerID, where that is not what the bill calls it.

    A machine or pod whose first readiness came later than `startup_limit_minutes` after its start
    may have been ready before: its beginning is then unknown. Without `states` only events are
    read: where another source tells the states of the same machines, one of the two must not.
    """

    pool_labels: tuple[str, ...] = ()
    model_labels: tuple[str, ...] = ()
    resources: Mapping[str, str] = Field(default_factory=dict)
    startup_limit_minutes: int = Field(60, gt=0)
    states: bool = True
