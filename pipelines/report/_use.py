"""Sections about use: whom the cost is for, and what the capacity did."""

from pipelines.report._pictures import ranking, stacked
from pipelines.report._section import Section

STATES = (
    "busy",
    "warm_idle",
    "unrequested",
    "provisioning",
    "starting",
    "terminating",
    "unknown",
)

CUSTOMERS = Section(
    key="customers",
    title="Customers by margin",
    question="What each customer's revenue leaves after its cost, in the month of use: those that "
    "leave least of it come first. Cost of no customer, and customers without revenue, have no "
    "margin, and their costs count: the costs add up to the effective cost of the month.",
    empty="Nothing was used in the month.",
    picture=ranking("customer", "gross_margin", beside="cloud_efficiency_rate"),
)

CUSTOMER_COSTS = Section(
    key="customer-costs",
    title="Customers by cost",
    question="What each customer's share of the period's bills is: direct, and with the part of "
    "idle, scaling, shared and overhead that it carries. (none) is what no customer has.",
    empty="No bill of this period has charges.",
    picture=ranking("customer", "effective_cost"),
)

GPU_STATES = Section(
    key="gpu",
    title="What the GPUs did, hour by hour",
    question="Paid GPU hours of the month by hour of the day (UTC), state and pool: busy is work, "
    "warm idle is ready without work, unrequested is ready with nobody placed on it.",
    empty="No GPU is billed by time, or its bill has no hours.",
    picture=stacked("hour", STATES, "paid GPU hours by hour of the day", group="pool"),
    formats=dict.fromkeys(STATES, "hours"),
)

GPU_COSTS = Section(
    key="gpu-costs",
    title="What the states cost",
    question="The money that each state of the GPUs took, by pool, in the month of use.",
    empty="No GPU is billed by time, or its bill has no hours.",
    picture=ranking("pool_and_state", "effective_cost"),
)
