"""From a customer's day back to the charges that were shared, and where each was delivered."""

from decimal import Decimal

import duckdb

from pipelines.reports import Report, select

# One row a group of charges: the customer's part, and of its charges the dearest.
_PARTS = """
    with parts as (
        select
            charge_group_id,
            component,
            billing_currency as currency,
            source,
            any_value(coalesce(rule_id, allocated_method_id)) as method,
            sum(weight) as weight,
            any_value(total_weight) as of_weight,
            sum(effective_cost) as effective_cost
        from marts.allocated_costs
        where customer_id = $customer and charge_date = $day
        group by charge_group_id, component, billing_currency, source
    ),

    charges as (
        select
            charge_group_id,
            count(*) as charges,
            sum(effective_cost) as charged,
            arg_max(
                {
                    'charge': concat_ws(', ', charge_description, resource_id),
                    'delivered': x_delivery_id || '/' || x_file,
                    'row': x_row
                },
                (abs(effective_cost), x_delivery_id, x_file, x_row)
            ) as dearest
        from marts.charge_groups
        where charge_group_id in (select parts.charge_group_id from parts)
        group by charge_group_id
    )

    select
        parts.component,
        parts.effective_cost,
        parts.currency,
        parts.method,
        parts.weight,
        parts.of_weight,
        charges.charges,
        charges.charged,
        charges.dearest.charge as charge,
        charges.dearest.delivered as delivered,
        charges.dearest.row as row
    from parts
    left join charges on parts.charge_group_id = charges.charge_group_id
    order by abs(parts.effective_cost) desc, parts.charge_group_id, parts.component
"""

_LEDGER = """
    select
        component,
        effective_cost,
        billing_currency as currency,
        source,
        feature,
        workflow,
        team,
        model,
        environment,
        coalesce(rule_id, allocated_method_id) as method,
        weight,
        total_weight as of_weight,
        charge_group_id
    from marts.allocated_costs
    where customer_id = $customer and charge_date = $day
    order by charge_group_id, component, feature, workflow, team, model, environment
"""

_CHARGES = """
    select
        charge_group_id,
        effective_cost as charged,
        billing_currency as currency,
        charge_description,
        resource_id,
        charge_period_start,
        charge_period_end,
        x_delivery_id || '/' || x_file as delivered,
        x_row as row
    from marts.charge_groups
    where charge_group_id in (
        select ledger.charge_group_id
        from marts.allocated_costs as ledger
        where ledger.customer_id = $customer and ledger.charge_date = $day
    )
    order by charge_group_id, x_delivery_id, x_file, x_row
"""


def explain(
    connection: duckdb.DuckDBPyConnection, customer: str, day: str, everything: bool
) -> list[Report]:
    """Return the sums of a customer's day, and the parts they are made of.

    With `everything` also each row of the ledger and each delivered row behind it.
    """
    asked = {"customer": customer, "day": day}
    parts = select(
        connection,
        "Its parts, each a group of charges; of these the dearest, and the row that delivered it",
        _PARTS,
        asked,
    )
    found = [_totals(f"{customer} on {day}", parts), parts]
    if everything:
        found.append(select(connection, "The ledger's rows", _LEDGER, asked))
        found.append(select(connection, "The charges behind them", _CHARGES, asked))
    return found


def _totals(title: str, parts: Report) -> Report:
    """Return the sum of each component, and of all, a currency."""
    totals: dict[str, dict[str, Decimal]] = {}
    for component, cost, currency, *_ in parts.rows:
        sums = totals.setdefault(currency, {})
        sums[component] = sums.get(component, Decimal(0)) + cost
    rows = [
        row
        for currency, sums in sorted(totals.items())
        for row in (
            *((component, cost, currency) for component, cost in sums.items()),
            ("total", sum(sums.values(), Decimal(0)), currency),
        )
    ]
    return Report(title, ("component", "effective_cost", ""), rows)
