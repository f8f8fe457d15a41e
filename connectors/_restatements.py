"""What each delivery of a slot changed, compared with the one before it.

The first delivery of a slot gains all its rows; so the deltas of a billing period add up, exactly,
to what it costs now. It depends on the landed deliveries alone, not on when they were normalized.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import duckdb

from connectors._sql import quoted
from models.columns import MONEY, PROVENANCE, QUANTITY
from models.errors import ContractError
from models.manifest import Manifest
from models.tables import CHARGES

# What a row is about. The same row with another cost, price, quantity or invoice is a changed one.
_MAY_CHANGE = {"invoice_id", "x_finality", "x_billed_milliseconds", *(c.name for c in PROVENANCE)}
_KEY = ", ".join(
    column.name
    for column in CHARGES.columns
    if column.name not in _MAY_CHANGE and column.type not in (MONEY, QUANTITY)
)
_CONTENT = ", ".join(column.name for column in CHARGES.columns if column not in PROVENANCE)
_GROUP = "x_billing_period, billing_currency, service_provider_name, service_name, charge_category"

_ROWS = """
    select {group}, {key} as row_key, {content} as content, billed_cost, {sign} as sign
    from read_parquet({file})
"""
_COMPARED = """
    with rows as ({rows}),

    compared as (
        select
            {group},
            row_key,
            count(*) filter (sign < 0) as rows_before,
            count(*) filter (sign > 0) as rows_after,
            coalesce(sum(billed_cost) filter (sign < 0), 0) as cost_before,
            coalesce(sum(billed_cost) filter (sign > 0), 0) as cost_after,
            sum(sign * content::hugeint) <> 0 as is_changed
        from rows
        group by all
    )

    select
        {slot} as slot,
        {code} as normalized_by,
        {before} as delivery_before,
        {after} as delivery_after,
        {number} as delivery_number,
        {group},
        sum(rows_before)::bigint as rows_before,
        sum(rows_after)::bigint as rows_after,
        sum(greatest(rows_after - rows_before, 0))::bigint as rows_gained,
        sum(greatest(rows_before - rows_after, 0))::bigint as rows_lost,
        coalesce(sum(least(rows_before, rows_after)) filter (is_changed), 0)::bigint
            as rows_changed,
        sum(cost_before) as billed_cost_before,
        sum(cost_after) as billed_cost_after,
        coalesce(sum(cost_after) filter (rows_before = 0), 0) as billed_cost_gained,
        coalesce(sum(cost_before) filter (rows_after = 0), 0) as billed_cost_lost,
        coalesce(sum(cost_after - cost_before) filter (rows_before > 0 and rows_after > 0), 0)
            as billed_cost_changed
    from compared
    group by all
"""
# A first delivery has nothing to be compared with: its rows need not be told apart.
_TOLD_APART = (f"hash({_KEY})", f"hash({_CONTENT})")
_TOGETHER = ("0", "0")


def restatements_query(
    versions: Sequence[Manifest],
    file_of: Callable[[Manifest], Path],
    code: str,
    known: Path | None,
) -> str:
    """Return the query of a slot's RESTATEMENTS: a row a delivery, period and kind of charge.

    `file_of` gives the normalized charges of a version, and raises a ContractError where it cannot
    be read: such a version never was in force. `known` holds what was found out before, by `code`.
    """
    done = _known_pairs(known, code)
    queries: list[str] = []
    before: Manifest | None = None
    for after in versions:
        number = len(queries) + 1
        pair = (before.delivery_id if before else None, after.delivery_id)
        with suppress(ContractError):
            queries.append(
                _again(done[pair], number)
                if pair in done
                else _compare(before, after, file_of, code, number)
            )
            before = after
    return "\nunion all by name\n".join(f"({query})" for query in queries) + "\norder by all"


def _known_pairs(known: Path | None, code: str) -> dict[tuple[str | None, str], str]:
    """Return where each pair of deliveries stands that was compared before, by the same code."""
    if known is None:
        return {}
    rows = f"from read_parquet({quoted(str(known))}) where normalized_by = {quoted(code)}"
    pairs = duckdb.execute(f"select distinct delivery_before, delivery_after {rows}").fetchall()
    return {
        (before, after): f"{rows} and delivery_before is not distinct from {_text(before)} "
        f"and delivery_after = {quoted(after)}"
        for before, after in pairs
    }


def _again(rows: str, number: int) -> str:
    return f"select * exclude (x_source) replace ({number} as delivery_number) {rows}"


def _compare(
    before: Manifest | None,
    after: Manifest,
    file_of: Callable[[Manifest], Path],
    code: str,
    number: int,
) -> str:
    sides = [(after, 1)] if before is None else [(before, -1), (after, 1)]
    key, content = _TOGETHER if before is None else _TOLD_APART
    rows = "\nunion all\n".join(
        _ROWS.format(
            group=_GROUP, key=key, content=content, sign=sign, file=quoted(str(file_of(side)))
        )
        for side, sign in sides
    )
    return _COMPARED.format(
        rows=rows,
        group=_GROUP,
        slot=quoted(after.slot),
        code=quoted(code),
        before=_text(before.delivery_id if before else None),
        after=quoted(after.delivery_id),
        number=number,
    )


def _text(value: str | None) -> str:
    return "null" if value is None else quoted(value)
