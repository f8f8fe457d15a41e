"""The rows of each table: typed, and what may be wrong with a value."""

from collections.abc import Iterator
from dataclasses import dataclass

from connectors._sql import quoted
from models.business import BUSINESS
from models.columns import MONEY, PROVENANCE, Column, Table
from models.currencies import ISO_4217

# The columns that a file may have.
NAMED = {
    table.name: tuple(column for column in table.columns if column not in PROVENANCE)
    for table in BUSINESS
}
# Of what a row speaks: of one key, two rows may not hold on the same day.
KEYS = {
    "customers": ("customer_id",),
    "revenue": ("customer_id", "product", "plan", "feature", "currency"),
    "operation_values": ("customer_id", "feature", "workflow", "currency"),
    "service_levels": ("feature", "workflow", "model", "measure"),
    "evaluations": ("evaluated_at", "evaluator", "inference_id", "attempt_id"),
    "owners": ("entity", "entity_value"),
}
_ENTITIES = (
    "customer", "feature", "workflow", "team", "model", "environment", "pool", "source",
)  # fmt: skip
_MEASURES = ("time_to_first_token", "duration")
_TRUE, _FALSE = ("true", "t", "yes", "1"), ("false", "f", "no", "0")
_DATE = r"^\d{4}-\d{2}-\d{2}([ T]00:00:00(\.0+)?(Z|[+]00(:?00)?)?)?$"


@dataclass(frozen=True)
class Check:
    """A column whose value is wrong where the condition holds, and what would be allowed."""

    column: str
    is_wrong: str
    allowed: str


def period_of(table: Table) -> tuple[str, str] | None:
    """Return the columns of the first day of a row, and of the first day no more."""
    names = {column.name for column in NAMED[table.name]}
    for pair in (("valid_from", "valid_to"), ("revenue_from", "revenue_to")):
        if pair[0] in names:
            return pair
    return None


def checks(table: Table) -> Iterator[Check]:
    """Yield what may be wrong with a row, in the order in which it is said."""
    for column in NAMED[table.name]:
        if not column.nullable:
            yield Check(column.name, f"{column.name} is null", "a value")
        if readable := _readable(column):
            is_wrong = f"{column.name} is not null and {readable[0]} is null"
            yield Check(column.name, is_wrong, readable[1])
    if period := period_of(table):
        first, end = period
        yield Check(
            end,
            f"{_date(end)} <= {_date(first)}",
            f"a date after {first}: {end} is the first day that is left out",
        )
    yield from _MEANINGS.get(table.name, ())


def _one_of(column: str, values: tuple[str, ...]) -> Check:
    return Check(column, f"{column} not in {values}", ", ".join(values))


_CURRENCY = Check(
    "currency",
    f"currency not in ({', '.join(quoted(code) for code in sorted(ISO_4217))})",
    "an ISO 4217 code such as USD",
)
_MEANINGS = {
    "revenue": (_CURRENCY,),
    "operation_values": (
        _CURRENCY,
        Check("value", "exact(value) < 0", "a number that is not below 0"),
    ),
    "service_levels": (
        _one_of("measure", _MEASURES),
        Check("target_ms", "cast(exact(target_ms) as bigint) <= 0", "milliseconds, above 0"),
        Check("objective", "exact(objective) <= 0 or exact(objective) > 1",
              "a part of all requests, above 0 and up to 1"),
    ),
    "evaluations": (
        Check("inference_id", "(inference_id is null) = (attempt_id is null)",
              "one of inference_id and attempt_id in every row"),
        Check("score", "score is null and is_passed is null", "a score, is_passed, or both"),
    ),
    "owners": (_one_of("entity", _ENTITIES),),
}  # fmt: skip


def _readable(column: Column) -> tuple[str, str] | None:
    """Return the SQL that is NULL where a text cannot be read, and what can be."""
    name, kind = column.name, column.type
    if kind == "date":
        return _date(name), "a date such as 2026-10-01"
    if kind == "timestamp":
        return f"try_cast({name} as timestamptz)", "a time such as 2026-10-01T09:30:00Z"
    if kind == "boolean":
        return f"if(lower({name}) in {_TRUE + _FALSE}, true, null)", "true or false"
    if kind == "bigint":
        whole = f"try_cast(try(exact({name})) as bigint)"
        return f"if({whole} = try(exact({name})), {whole}, null)", "a whole number"
    if kind.startswith("decimal"):
        return f"try(exact({name}))", "a number such as 12.50"
    return None


def _date(name: str) -> str:
    return f"if(regexp_matches({name}, {quoted(_DATE)}), try_cast(left({name}, 10) as date), null)"


def rows(table: Table) -> str:
    """Return the SQL of a table's rows; `read` has looked at every value."""
    values = ", ".join(f"{_value(column)} as {column.name}" for column in NAMED[table.name])
    return f"select {values}, x_file, x_row from {table.name} order by x_row"


def _value(column: Column) -> str:
    name, kind = column.name, column.type
    if kind == "date":
        return f"cast(left({name}, 10) as date)"
    if kind == "timestamp":
        return f"cast(cast({name} as timestamptz) as timestamp)"
    if kind == "boolean":
        return f"lower({name}) in {_TRUE}"
    if kind in (MONEY,):
        return f"money({name})"
    return f"cast(exact({name}) as bigint)" if kind == "bigint" else name
