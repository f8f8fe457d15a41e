"""The older model of commitments: fees on rows of their own, and credits that take off covered
usage at its full price. What a covered row cost is its share of the fee.

Google says on each fee row which SKU used it (label `goog-originating-sku-id`); a fee row without
one was used by nobody. Where an account does not let Google say that, no fee row has the label,
and a day's fees are shared by all usage that the same kind of commitment covered.

A pool is the fees and the covered rows that belong together; its fee is shared in proportion to
the credits, in whole units of 1e-12, and what is left by rounding goes to its last row.
"""

from duckdb import DuckDBPyConnection

from connectors.gcp_billing_export._columns import (
    COVERING,
    IS_PROMOTION,
    sum_of_credits,
    texts,
)

ORIGINATING_SKU = "goog-originating-sku-id"

# The fee of a commitment whose discount comes as credits.
IS_OLDER_FEE = "regexp_matches(sku_description, '^Commitment (- dollar based )?v[0-9]+:')"
_ORIGINATING_SKU = f"""list_filter(
        labels, lambda label: label.key = '{ORIGINATING_SKU}')[1].value"""

# What covering credits take off a row; nothing where they have the sign of the cost itself, which
# a correction of them alone has.
IS_COVERING = f"credit.type in {texts(COVERING)}"
COVERED = f"greatest(0, -sign(exact(cost)) * {sum_of_credits(IS_COVERING)}) * sign(exact(cost))"
# What a row costs but for the incentives that stand by themselves.
CHARGED = f"(exact(cost) + {sum_of_credits()} - {sum_of_credits(IS_PROMOTION)})"

POOL = f"""case when {IS_OLDER_FEE} or covered <> 0 then concat_ws(
        '|',
        billing_account_id,
        currency,
        left(usage_start_time, 10),
        if(
            starts_with(sku_description, 'Commitment - dollar based')
            or coalesce(len(list_filter(
                credits, lambda credit: credit.type = 'COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE'
            )), 0) > 0,
            'spend',
            'resource'
        ),
        if(not getvariable('fees_name_skus'), '', if(
            {IS_OLDER_FEE}, coalesce({_ORIGINATING_SKU}, ''), sku_id
        ) || '|' || coalesce(project_id, ''))
    ) end"""

_FEES_NAME_SKUS = f"""
    set variable fees_name_skus = (
        select coalesce(bool_or({_ORIGINATING_SKU} is not null), false)
        from delivered
        where {IS_OLDER_FEE}
    )
"""
UNITS = "cast({} * 1000000000000 as hugeint)"
SHARE = f"{UNITS.format('cast(covered as decimal(38, 12))')} * pool.fee // pool.covered"

_POOLS = f"""
    with priced as (
        select
            *,
            {COVERED} as covered,
            {CHARGED} as charged,
            {IS_OLDER_FEE} as is_fee
        from delivered
        where {IS_OLDER_FEE} or list_count(list_filter(
            credits, lambda credit: {IS_COVERING}
        )) > 0
    ),

    pooled as (
        select
            x_file,
            x_row,
            coalesce(subscription_instance_id, sku_id) as commitment_id,
            {POOL} as pool_key,
            is_fee,
            {UNITS.format("cast(covered as decimal(38, 12))")} as covered_units,
            {UNITS.format("money(charged)")} as fee_units
        from priced
    ),

    pools as (
        select
            pool_key,
            coalesce(sum(fee_units) filter (is_fee), 0)::hugeint as fee,
            coalesce(sum(covered_units) filter (not is_fee), 0)::hugeint as covered,
            max({{'file': x_file, 'row': x_row}}) filter (not is_fee) as last_row,
            min(pooled.commitment_id) filter (is_fee) as commitment_id
        from pooled
        group by pool_key
        having covered <> 0
    ),

    shared as (
        select
            pools.pool_key,
            any_value(pools.fee) as fee,
            any_value(pools.covered) as covered,
            any_value(pools.last_row) as last_row,
            any_value(pools.commitment_id) as commitment_id,
            (any_value(pools.fee) - sum(pooled.covered_units * pools.fee // pools.covered))::hugeint
                as left_over
        from pools
        inner join pooled on pools.pool_key = pooled.pool_key and not pooled.is_fee
        group by pools.pool_key
    )

    select
        pool_key,
        {{
            'fee': fee,
            'covered': covered,
            'last_file': last_row.file,
            'last_row': last_row.row,
            'left_over': left_over,
            'commitment_id': commitment_id
        }} as pool
    from shared
    order by pool_key
"""
_POOL_TYPE = (
    "struct(fee hugeint, covered hugeint, last_file varchar, last_row bigint, "
    "left_over hugeint, commitment_id varchar)"
)


def share_fees(connection: DuckDBPyConnection) -> None:
    """Set the variable `pools`, a map: few, and looked up row by row, which keeps their order."""
    connection.execute(_FEES_NAME_SKUS)
    connection.execute(f"""
        set variable pools = (
            select map_from_entries(coalesce(
                list({{'key': pool_key, 'value': pool::{_POOL_TYPE}}} order by pool_key),
                []::struct("key" varchar, "value" {_POOL_TYPE})[]
            ))
            from ({_POOLS})
        )
    """)
