"""Sections about the bill: from what was billed to what one inference costs."""

from pipelines.report._pictures import stacked, waterfall
from pipelines.report._section import Section

COMPONENTS = ("direct", "idle", "scaling", "shared", "overhead")

GLANCE = Section(
    key="glance",
    title="At a glance",
    question="What the bills of the period come to, how much of it is explained, and what one "
    "production inference costs.",
    empty="No bill of this period has charges.",
)

BRIDGE = Section(
    key="bridge",
    title="From bill to effective cost, and what it is for",
    question="Billed is what vendors charge in the period; effective is what the period used: "
    "commitments count when they are used, not when they are paid. The parts of effective cost "
    "add up to it.",
    empty="No bill of this period has charges.",
    picture=waterfall("line", "cost"),
)

UNIT = Section(
    key="unit",
    title="From effective cost to one inference",
    question="What production inferences cost: effective cost, without what no inference of "
    "production caused and without what nothing explains. Unit costs are of the month of use, so "
    "the first steps go from the bill's period to the month.",
    empty="No production inference ended in the month: there is nothing to divide by.",
    picture=waterfall("line", "cost", each="cost_per_inference"),
    note="In the billing currency: unit costs are never made of converted amounts. A currency in "
    "which no inference is billed has none.",
)

DAILY = Section(
    key="daily",
    title="Cost of an inference, day by day",
    question="What one production inference costs on each day of use (UTC), by component. The "
    "components of a day add up to its loaded cost of an inference.",
    empty="No production inference ended in the month.",
    picture=stacked("day", COMPONENTS, "{currency} an inference, by day of the month"),
    formats=dict.fromkeys(COMPONENTS, "unit"),
)
