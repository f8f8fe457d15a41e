"""What a source of Kubernetes events may configure."""

from pydantic import Field

from connectors._base import Options


class KubernetesOptions(Options):
    """Labels of nodes that name their pool, and of pods their model, before the usual ones.

    A machine or pod whose first readiness came later than `startup_limit_minutes` after its start
    may have been ready before: its beginning is then unknown. Without `states` only events are
    read: where another source tells the states of the same machines, one of the two must not.
    """

    pool_labels: tuple[str, ...] = ()
    model_labels: tuple[str, ...] = ()
    startup_limit_minutes: int = Field(60, gt=0)
    states: bool = True
