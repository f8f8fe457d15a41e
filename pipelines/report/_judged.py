"""Sections of estimates: costs that stand out, and what months will cost."""

from pipelines.report._pictures import ranking
from pipelines.report._section import Section

ANOMALIES = Section(
    key="anomalies",
    title="Costs that stand out",
    question="Days of the month on which a cost was far above what the weeks before it let expect, "
    "by how much, and what moved most in it.",
    empty="No day of the month stands out, or its costs have fewer than three weeks before it.",
    picture=ranking("day_and_what", "excess_estimate"),
    note="What was expected is an estimate; what was observed is exact. Customers, features and "
    "models that a pool of machines made dearer are counted with the pool.",
)

FORECAST = Section(
    key="forecast",
    title="Forecast",
    question="What the month and the next will cost, as it was forecast last, with the interval "
    "that should hold nine times of ten; and, once a month is over, how far its days were off.",
    empty="No forecast of the month was made: it takes three weeks of daily costs.",
    picture=ranking("month_and_what", "cost_estimate"),
    note="A forecast stays as it was made. What was made afterwards, for a month that had none, "
    "knows later corrections.",
)
