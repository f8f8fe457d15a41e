"""Sections about change, coverage and reconciliation: how far the figures can be trusted."""

from pipelines.report._pictures import ranking, waterfall
from pipelines.report._section import Section

CHANGES = Section(
    key="changes",
    title="What changed",
    question="Why cost differs from the period before: the month against the month before it; "
    "where that was not delivered, the last whole week against the week before. The effects add "
    "up to the difference.",
    empty="Neither the month before nor two whole weeks of this one were delivered: there is "
    "nothing to compare with.",
    picture=waterfall("line", "cost"),
)

COVERAGE = Section(
    key="coverage",
    title="Coverage by source",
    question="How much of each source's effective cost is explained by telemetry or a rule; the "
    "rest is unmatched, and no part of a unit cost.",
    empty="No bill of this period has charges.",
    picture=ranking("source", "unmatched_cost"),
)

RECONCILIATION = Section(
    key="reconciliation",
    title="Reconciliation",
    question="Whether every step adds up, of every source and currency: what was delivered, what "
    "was normalized, the vendor's own total, and what was attributed.",
    empty="Nothing of this period was delivered.",
    formats={"step": "text", "finality": "text", "error": "text"},
)
