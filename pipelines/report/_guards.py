"""Sections about money that was lost or is limited: margin, drivers, waste, budgets."""

from pipelines.report._pictures import ranking, waterfall
from pipelines.report._section import Section

DRIVERS = Section(
    key="drivers",
    title="What drives the cost",
    question="Effective cost of the period's bills by cost driver. The drivers add up to it.",
    empty="No bill of this period has charges.",
    picture=ranking("cost_driver", "effective_cost"),
)

MARGIN = Section(
    key="margin",
    title="From revenue to margin",
    question="What is left of the month's revenue after infrastructure, models that are paid by "
    "use, and what is shared. The rate is what is left of revenue after each step; the last one "
    "is the Cloud Efficiency Rate.",
    empty="Nothing was used in the month.",
    picture=waterfall("line", "amount", each="efficiency_rate"),
)

WASTE = Section(
    key="waste",
    title="Work that was wasted",
    question="Direct cost of the month's attempts that gave no answer, by feature: cancelled, "
    "failed, retried, or repeated beyond the configured limit.",
    empty="No attempt of the month has a cost.",
    picture=ranking("feature", "wasted_cost"),
)

BUDGETS = Section(
    key="budgets",
    title="Budgets",
    question="Budgets of the month that are at risk or over, and those for everything.",
    empty="No budget is configured for this month, or each is kept.",
    picture=ranking("budget", "spent_cost", beside="spent_share"),
    note="The estimate of a period is its cost so far, and the mean of the last days for the rest.",
)
