"""Sections about capacity: what was ready for nothing, what came too late, what came and went."""

from pipelines.report._pictures import ranking
from pipelines.report._section import Section

IDLE = Section(
    key="idle",
    title="Idle capacity, by reason",
    question="What ready GPUs cost while nothing ran on them in the month: overshoot was added by "
    "a scale-out and not yet used, baseline is the pool's minimum, warm-up waits for its first "
    "pod. Recoverable is an estimate of what stopping them in time would have saved.",
    empty="No GPU was idle in the month, or none is billed by time.",
    picture=ranking("pool_and_reason", "idle_cost"),
)

EPISODES = Section(
    key="episodes",
    title="Scaling episodes: when capacity came late",
    question="Each time in the month that a pool had too little: how long capacity took, and in "
    "which phase; who waited too long; and the revenue of operations that were lost, where it is "
    "known. The longest come first.",
    empty="No pool had too little in the month, or nothing tells of it.",
    picture=ranking("need_and_pool", "lag_seconds", unit=" s"),
)

CYCLES = Section(
    key="cycles",
    title="Scaling cycles: what was stopped and started again",
    question="Each scale-down of the month with the scale-up after it: what stopping and starting "
    "cost, what the gap saved, and what was lost where it cost more. These are estimates at the "
    "bill's own rates.",
    empty="Nothing was stopped and started again in the month.",
    picture=ranking("down_and_pool", "overhead_cost_estimate"),
)
