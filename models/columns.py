"""What a normalized table is made of: columns, their types, and where a row came from."""

from dataclasses import dataclass

MONEY = "decimal(38, 12)"
QUANTITY = "decimal(38, 12)"


@dataclass(frozen=True)
class Column:
    """One column: its DuckDB type, and whether it may be NULL."""

    name: str
    type: str = "varchar"
    nullable: bool = True


@dataclass(frozen=True)
class Table:
    """One normalized table.

    `day` is the SQL expression of the UTC day that a row belongs to. `order_by` sorts the rows of
    a file; None keeps the order in which they were delivered. `reaches` are the SQL expressions of
    the first and the last day that a row can change the facts of; None: its own day alone.
    """

    name: str
    columns: tuple[Column, ...]
    day: str
    order_by: str | None = None
    reaches: tuple[str, str] | None = None

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def spanning(start: str, end: str) -> tuple[str, str]:
    """Return the SQL of the first and the last day of an interval, which does not hold its end."""
    return f"cast({start} as date)", f"cast({end} - interval 1 microsecond as date)"


def required(*names: str, type: str = "varchar") -> tuple[Column, ...]:
    """Return columns of one type, each of which every row has."""
    return tuple(Column(name, type, nullable=False) for name in names)


def optional(*names: str, type: str = "varchar") -> tuple[Column, ...]:
    """Return columns of one type that may be NULL."""
    return tuple(Column(name, type) for name in names)


# Who caused it, where the signal says so.
ENTITIES = optional("customer_id", "feature", "workflow", "team", "environment")

# Written by the lake itself, from the delivery: where a row came from.
PROVENANCE = (
    *required("x_source", "x_delivery_id", "x_file"),
    Column("x_row", "bigint", nullable=False),
)
