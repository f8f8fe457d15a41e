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

    A ContractError where rows are discounted and nothing tells what is billed for them.
    """
    found = connection.execute(f"""
        select
            bool_or(line_item_net_unblended_cost is not null),
            bool_or(line_item_line_item_type in ({_PRIVATE})),
            bool_or(
                not regexp_full_match(
                    array_to_string(list_transform(
                        map_keys(resource_tags), lambda key: ',' || key
                    ), ''),
                    '(,(user|aws)_[a-z0-9_]+)*'
                )
                or cardinality(tags) > 0
            ),
            bool_or(
                cast(discount_total_discount as double) <> 0
                and discount_total_discount is distinct from discount_bundled_discount
            )
        from ({rows})
    """).fetchone()
    assert found is not None
    has_net, has_discount_rows, has_other_tags, is_discounted = (bool(value) for value in found)
    if is_discounted and not has_discount_rows and "line_item_net_unblended_cost" not in present:
        raise ContractError(
            "column line_item_net_unblended_cost is missing although discount_total_discount is "
            "not 0; allowed: an export with that column, or with manual discount compatibility"
        )
    variables = {
        "has_net_costs": has_net and not has_discount_rows,
        "has_plain_tags": not has_other_tags,
        "has_invoice_ids": "bill_invoice_id" in present,
    }
    for name, value in variables.items():
        connection.execute(f"set variable {name} = {value}")
