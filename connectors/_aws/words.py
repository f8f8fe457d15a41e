"""Columns of few values, written by their number.

DuckDB writes text to Parquet by hashing it twice a row, but an ENUM as the number that it is; both
are read back as text. So each charge column of few values has an ENUM of its name here, made anew
for each delivery: the words that our SQL writes itself, and all values that the delivery has in the
columns which ours is made of. Where those are too many, the type is text.

`word` and `ours` are the ways to such a type, and refuse what it would not hold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from connectors._aws.columns import LINE_TYPES
from connectors._aws.services import SERVICES, UNITS
from connectors._aws.tokens import METERS
from connectors._sql import quoted, quoted_list

# A file has its words once for each of its row groups, of about 120,000 rows.
MAX_WORDS = 1000

UNUSED = "Unused part of: "
NOT_TAKEN_BACK = "Covered usage that Savings Plan negation rows do not take back"


@dataclass(frozen=True)
class Words:
    """What a charge column may hold: our own words, and the values of delivered columns."""

    ours: Sequence[str] = ()
    columns: Sequence[str] = ()
    before: Sequence[str] = ("",)  # what may stand before a delivered value
    of: str = "one"  # what is read of a delivered value


def _services(number: int, *others: str) -> tuple[str, ...]:
    return (*dict.fromkeys(service[number] for service in SERVICES.values()), *others)


def _types(number: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(focus_type[number] for focus_type in LINE_TYPES.values()))


_ACCOUNT = ("line_item_usage_account_id",)
_PAYER = ("bill_payer_account_id",)
_CURRENCY = ("line_item_currency_code",)
_PRODUCT = ("line_item_product_code",)
_ISSUER = Words(("AWS",), ("bill_invoicing_entity",))
_PUBLISHER = Words(("AWS", "AWS Marketplace"), ("line_item_legal_entity", "bill_invoicing_entity"))
_COMMITMENTS = ("savings_plan_savings_plan_a_r_n", "reservation_reservation_a_r_n")
_UNITS = tuple(dict.fromkeys((*UNITS.values(), "1000000 Tokens", "Units", "Tokens")))

WORDS: Mapping[str, Words] = {
    "billing_account_id": Words((), _PAYER),
    "billing_account_name": Words((), ("bill_payer_account_name", *_PAYER)),
    "billing_account_type": Words(("Payer Account",)),
    "sub_account_id": Words((), _ACCOUNT),
    "sub_account_name": Words((), ("line_item_usage_account_name", *_ACCOUNT)),
    "sub_account_type": Words(("Account",)),
    "billing_currency": Words((), _CURRENCY),
    "invoice_id": Words((), ("bill_invoice_id",)),
    "x_billing_period": Words(
        (), ("bill_billing_period_start_date",), of="strftime(try_cast(one as timestamp), '%Y-%m')"
    ),
    "charge_category": Words(_types(0)),
    "charge_class": Words(("Correction",)),
    "charge_description": Words(
        (NOT_TAKEN_BACK,), ("line_item_line_item_description",), ("", UNUSED)
    ),
    "charge_frequency": Words(_types(1)),
    "x_line_item_type": Words(tuple(LINE_TYPES), ("line_item_line_item_type",)),
    "x_usage_type": Words((), ("line_item_usage_type",)),
    "x_operation": Words((), ("line_item_operation",)),
    "pricing_category": Words(("Dynamic", "Committed", "Standard")),
    "pricing_currency": Words((), ("pricing_currency", *_CURRENCY)),
    # Of pricing_unit, consumed_unit and, with the currency, commitment_discount_unit.
    "unit": Words(_UNITS, ("pricing_unit", *_CURRENCY)),
    "commitment_discount_id": Words((), _COMMITMENTS),
    "commitment_discount_category": Words(("Spend", "Usage")),
    "commitment_discount_type": Words(("Savings Plan", "Reserved Instance")),
    "commitment_discount_status": Words(("Used", "Unused")),
    "capacity_reservation_id": Words((), ("capacity_reservation_capacity_reservation_arn",)),
    "capacity_reservation_status": Words(("Used", "Unused")),
    "resource_type": Words(
        ("Savings Plan", "Reserved Instance", "EC2 Instance", "EBS Volume", "Resource"),
        ("product_product_family", *_PRODUCT),
    ),
    "availability_zone": Words((), ("line_item_availability_zone",)),
    "invoice_issuer_name": _ISSUER,
    "publisher_name": _PUBLISHER,
    "host_provider_name": Words(("AWS",)),
    "service_category": Words(_services(1, "Other")),
    "service_subcategory": Words(_services(2, "Other (Other)", "Generative AI")),
    "sku_meter": Words(tuple(dict.fromkeys(METERS.values())), ("line_item_usage_type",)),
    "x_charge_kind": Words(("tokens", "capacity")),
    "x_token_type": Words(tuple(METERS)),
    "x_finality": Words(("provisional", "final")),
    "x_file": Words((), ("x_file",)),
}


# Functions of one column: rates, the period, and what a usage type says.
FUNCTIONS: Mapping[str, str] = {
    "moment": "cast(one as timestamp)",
    "month_start": "date_trunc('month', one)",
    "month_end": "date_trunc('month', one) + interval 1 month",
    "rate": "money(one)",
    "is_instance_time": "regexp_matches(one, '(^|-)(Box|Spot|Dedicated)Usage')",
    "is_sagemaker_time": "regexp_matches(one, '(^|-)[A-Za-z]+:ml[.]')",
}


def ours(name: str, value: str) -> str:
    """Return the SQL of a word of ours."""
    assert value in WORDS[name].ours, f"{name} has no word {value}"
    return f"{quoted(value)}::{name}"


def word(name: str, column: str) -> str:
    """Return the SQL of a delivered column's value."""
    assert column in WORDS[name].columns, f"{name} is not made of {column}"
    return f"as_{name}({column})"


def create_types(connection: DuckDBPyConnection, rows: str, has_dictionaries: bool) -> None:
    """Create the types, a macro as_<type> for each, and the functions, for a query's rows."""
    values = _values(connection, rows)
    for name, words in WORDS.items():
        found = [values[column, words.of] for column in words.columns]
        held = dict.fromkeys(words.ours)
        held |= {
            before + value: None for column in found for value in column for before in words.before
        }
        is_held = max(map(len, [*found, held])) <= MAX_WORDS
        type = f"enum ({quoted_list([*held])[1:-1]})" if is_held else "varchar"
        connection.execute(f"drop type if exists {name}")
        connection.execute(f"create temp type {name} as {type}")
        # A Parquet file's dictionary may have a value that no row has: NULL, for no row.
        _create_function(
            connection, f"as_{name}", f"try_cast({words.of} as {name})", has_dictionaries
        )
    for name, expression in FUNCTIONS.items():
        _create_function(connection, name, expression, has_dictionaries)


def _create_function(
    connection: DuckDBPyConnection, name: str, expression: str, has_dictionaries: bool
) -> None:
    """Create a macro of `one` value.

    In a list, DuckDB works it out once for each value of a Parquet file's dictionary; without a
    dictionary, lists take five times as long.
    """
    in_list = f"list_extract(list_transform([one], lambda one: {expression}), 1)"
    body = in_list if has_dictionaries else expression
    connection.execute(f"create or replace temp macro {name}(one) as {body}")


def _values(connection: DuckDBPyConnection, rows: str) -> Mapping[tuple[str, str], Sequence[str]]:
    """Return what is read of each column; where it is more than a type holds, only some of it."""
    read = sorted({(column, words.of) for words in WORDS.values() for column in words.columns})
    found = connection.execute(
        " union all ".join(
            f"(select {number} as number, {of} as value "
            f"from (select distinct {column} as one from ({rows})) "
            f"where value is not null limit {MAX_WORDS + 1})"
            for number, (column, of) in enumerate(read)
        )
    ).fetchall()
    values: dict[tuple[str, str], list[str]] = {key: [] for key in read}
    for number, value in sorted(set(found)):
        values[read[number]].append(value)
    return values
