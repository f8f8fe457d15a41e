"""What is true of a delivery as a whole, and decides how each of its rows is read.

A join with it would not keep the order in which rows were delivered: it is kept in variables.

- has_net_costs: private discounts are inside the net_* columns, and no rows subtract them
- has_plain_tags: every tag key is spelled as CUR 2.0's resource_tags spell them
- has_invoice_ids: the export has the column that tells a final bill
"""

from collections.abc import Container

from duckdb import DuckDBPyConnection

from connectors._aws.columns import PRIVATE_DISCOUNTS
from connectors._sql import quoted
from models.errors import ContractError

_PRIVATE = ", ".join(quoted(kind) for kind in PRIVATE_DISCOUNTS)


def set_variables(connection: DuckDBPyConnection, rows: str, present: Container[str]) -> None:
    """Set the variables for the rows of a query; `present` are the columns it has.

    A ContractError where lines are discounted and nothing tells what is billed for them.
    """
    found = connection.execute(f"""
        select
            count(line_item_net_unblended_cost) > 0,
            bool_or(line_item_line_item_type in ({_PRIVATE})),
            bool_or(cardinality(tags) > 0)
        from ({rows})
    """).fetchone()
    assert found is not None
    has_net_costs, has_discount_rows, has_other_tags = (bool(value) for value in found)
    if not has_discount_rows and "line_item_net_unblended_cost" not in present:
        _refuse_discounts(connection, rows)
    variables = {
        "has_net_costs": has_net_costs and not has_discount_rows,
        "has_plain_tags": not (has_other_tags or _has_other_keys(connection, rows)),
        "has_invoice_ids": "bill_invoice_id" in present,
    }
    for name, value in variables.items():
        connection.execute(f"set variable {name} = {value}")


def _has_other_keys(connection: DuckDBPyConnection, rows: str) -> bool:
    """Few keys stand in many rows: those are what is looked at."""
    found = connection.execute(f"""
        select key
        from (select distinct unnest(map_keys(resource_tags)) as key from ({rows}))
        where not regexp_full_match(key, '(user|aws)_[a-z0-9_]+')
        limit 1
    """).fetchone()
    return found is not None


def _refuse_discounts(connection: DuckDBPyConnection, rows: str) -> None:
    """What is billed must be told by net costs or by rows; bundled discounts are always rows."""
    discounted = connection.execute(f"""
        select x_file, x_row
        from ({rows})
        where (
            cast(discount_total_discount as double) <> 0
            and cast(discount_total_discount as double)
                is distinct from cast(discount_bundled_discount as double)
        ) or len(list_filter(
            map_entries(cast(discount as map(varchar, double))),
            lambda entry: entry.value <> 0 and not contains(lower(entry.key), 'bundled')
                and not (contains(lower(entry.key), 'total')
                    and entry.value = cast(discount_bundled_discount as double))
        )) > 0
        limit 1
    """).fetchone()
    if discounted:
        raise ContractError(
            f"file {discounted[0]}, row {discounted[1]} has a discount, but there is no column "
            "line_item_net_unblended_cost that tells what is billed; allowed: an export with that "
            "column, or with manual discount compatibility"
        )
