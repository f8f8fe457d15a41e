"""Lists beside the rows of an invoice, such as its prices."""

from connectors._maps.expressions import identifier
from connectors.invoice_mapping._files import Invoice
from connectors.invoice_mapping._map import Lookup, Records
from models.errors import ContractError


def looked_up(invoice: Invoice, source: str) -> str:
    """Return the query `source` with the columns of every lookup beside each row."""
    for number, (name, lookup) in enumerate(invoice.map_.lookups.items()):
        table = f"lookup_{number}"
        _load(invoice, table, name, lookup)
        found = ", ".join(
            f"{table}.{identifier(column)} as {identifier(f'{name}.{column}')}"
            for column in lookup.columns
        )
        equal = " and ".join(
            f"source.{identifier(column)} is not distinct from {table}.{identifier(column)}"
            for column in lookup.equal
        )
        source = f"select source.*, {found} from ({source}) as source left join {table} on {equal}"
    return source


def _load(invoice: Invoice, table: str, name: str, lookup: Lookup) -> None:
    """Two rows of a key would double what is looked up."""
    places = [Records(path=lookup.records, files=lookup.files)]
    invoice.load(places, frozenset({*lookup.equal, *lookup.columns}), "listed")
    invoice.connection.execute(
        f"create or replace temp table {table} as "
        "select distinct * exclude (x_file, x_row, x_records) from listed"
    )
    equal = ", ".join(identifier(column) for column in lookup.equal)
    twice = invoice.connection.execute(
        f"select {equal} from {table} group by all having count(*) > 1"
    ).fetchone()
    if twice:
        key = ", ".join(str(value) for value in twice)
        raise ContractError(f"lookups.{name}: {key} is there twice, and they differ")
