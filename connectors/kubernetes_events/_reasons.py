"""What an event means for capacity, by the reason that its reporter gave: one line a meaning.

The first line that fits decides; a reason that stands in none is 'other', and kept.
"""

from connectors._sql import quoted

# Meaning, reasons, and where given what the message must say as well.
_MEANINGS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("image_present", ("Pulled",), r"already present on machine"),
    ("image_pulled", ("Pulled",), r"^(spec\.\S+: )?Successfully pulled image"),
    # The cloud had none, or a quota or maximum was reached.
    ("capacity_missing",
     ("InsufficientCapacityError", "FailedToScaleUpGroup", "FailedScaleUp"), ""),
    (
        "capacity_missing",
        ("FailedScheduling", "NotTriggerScaleUp", "NoCompatibleInstanceTypes"),
        r"(?i)max node group size reached|max(imum)? (cluster )?\S* ?limit reached|exceeds? limits?"
        r"|in backoff after failed scale-up|quota|out of (resources|capacity)"
        r"|insufficient.?capacity",
    ),
    ("scheduling_failed",
     ("FailedScheduling", "NotTriggerScaleUp", "NoCompatibleInstanceTypes"), ""),
    # Of the cluster autoscaler, and of Karpenter.
    ("node_requested", ("TriggeredScaleUp", "ScaledUpGroup", "DisruptionLaunching"), ""),
    ("node_requested", ("Nominated",), r"^Pod should schedule on: nodeclaim/[^,]+$"),
    # Of the horizontal pod autoscaler, and of KEDA.
    ("desired_replicas", ("SuccessfulRescale",), ""),
    ("activated", ("KEDAScaleTargetActivated",), ""),
    ("deactivated", ("KEDAScaleTargetDeactivated",), ""),
    # By the cloud: Karpenter, the AWS node termination handler, the node problem detector on Azure.
    ("interrupted",
     ("SpotInterrupted", "TerminatingOnInterruption", "SpotInterruption", "SQSTermination",
      "ScheduledEvent", "StateChange", "UnknownInterruption", "PreemptScheduled",
      "TerminateScheduled"), ""),
    ("interrupted", ("InstanceStopping", "InstanceTerminating"), r"^Instance is "),
    # By an autoscaler: consolidation, drift, expiry, too little use.
    ("disrupted",
     ("DisruptionTerminating", "Disrupted", "ScaleDown", "ScaleDownEmpty", "ASGLifecycle"), ""),
    ("evicted", ("Evicted", "Preempted", "Preempting", "Descheduled"), ""),
    ("evicted", ("TaintManagerEviction",), r"^Marking for deletion"),
    ("rollout", ("RolloutUpdated", "DeploymentRollback"), ""),
)  # fmt: skip


def meaning() -> str:
    """Return the SQL of what the columns `reason` and `message` mean."""
    whens = []
    for event, reasons, says in _MEANINGS:
        condition = f"reason in ({', '.join(quoted(reason) for reason in reasons)})"
        if says:
            condition += f" and regexp_matches(message, {quoted(says)})"
        whens.append(f"when {condition} then {quoted(event)}")
    return f"case {' '.join(whens)} else 'other' end"


# Replicas, or nodes of a group, before and after; the group itself.
_SIZES = (
    ("SuccessfulRescale", r"New size: (?P<after>[0-9]+)"),
    ("KEDAScaleTarget", r"from (?P<before>[0-9]+) to (?P<after>[0-9]+)"),
    ("TriggeredScaleUp", r"\{(?P<pool>\S+) (?P<before>[0-9]+)->(?P<after>[0-9]+)"),
    ("TriggeredScaleUp",
     r"group: (?P<pool>\S+), sizes \(current/new\): (?P<before>[0-9]+)/(?P<after>[0-9]+)"),
    ("ScaledUpGroup",
     r"group (?P<pool>\S+) size to (?P<after>[0-9]+) instead of (?P<before>[0-9]+)"),
    ("ScalingReplicaSet", r"to (?P<after>[0-9]+) from (?P<before>[0-9]+)"),
    ("ScalingReplicaSet", r"to (?P<after>[0-9]+)$"),
)  # fmt: skip


def said(part: str) -> str:
    """Return the SQL of a part that messages tell: before, after or pool; NULL where none does."""
    found = []
    for reason, pattern in _SIZES:
        if f"(?P<{part}>" in pattern:
            names = [piece.split(">")[0] for piece in pattern.split("(?P<")[1:]]
            bare = pattern
            for name in names:
                bare = bare.replace(f"(?P<{name}>", "(")
            group = names.index(part) + 1
            found.append(
                f"if(starts_with(reason, {quoted(reason)}), "
                f"nullif(regexp_extract(message, {quoted(bare)}, {group}), ''), null)"
            )
    return f"coalesce({', '.join(found)})"


def _duration(unit: str, factor: str) -> str:
    text = f"regexp_extract(took, '([0-9.]+){unit}', 1)"
    return f"coalesce(try_cast(nullif({text}, '') as decimal(18, 9)), 0) * {factor}"


# Go's durations: 312ms, 27.88s, 1m2.3s, 1h2m3s, 850µs. How long the pull itself took; what it
# waited for other pulls stands in the message.
DURATION_MS = (
    "cast(round("
    + " + ".join(
        _duration(unit, factor)
        for unit, factor in (
            ("h", "3600000"), ("m(?:[^s]|$)", "60000"), ("s", "1000"), ("ms", "1"),
            ("[uµμ]s", "0.001"),
        )
    )
    + ") as bigint)"
)  # fmt: skip
