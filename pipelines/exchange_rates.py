"""What is needed to convert every charge, and is not there or says two things."""

from collections.abc import Iterator

import duckdb

# As dbt's int_exchange_rates converts: the invoice's rate, the month's, the last of a week before.
_MISSING = """
    with billed as (
        select x_source as source, x_billing_period as billing_period, billing_currency
        from lake.charges
        union
        select usage.x_source, usage.x_billing_period, lines.billing_currency
        from lake.metered_usage as usage
        inner join lake.rate_cards as lines on usage.service_provider_name = lines.provider
    )
    select
        billing_currency,
        reporting_currency,
        billing_period,
        string_agg(source, ', ' order by source)
    from billed
    cross join lake.reporting_currencies
    where
        billing_currency <> reporting_currency
        and not exists (
            select 1
            from lake.invoices
            where
                invoices.source = billed.source
                and invoices.billing_period = billed.billing_period
                and invoices.billing_currency = billed.billing_currency
                and exchange_rate is not null
        )
        and not exists (
            select 1
            from lake.fx_rates
            where
                from_currency = billing_currency
                and to_currency = reporting_currency
                and rate_date >= cast(billing_period || '-01' as date) - 7
                and rate_date < cast(billing_period || '-01' as date) + interval 1 month
        )
    group by all
    order by all
"""

_CONTRADICTIONS = """
    select
        rate_date,
        from_currency,
        to_currency,
        string_agg(
            regexp_replace(rate::varchar, '0+$', '') || ' (' || x_source || ' ' || x_file || ')',
            ' and ' order by x_source, x_file, x_row
        )
    from lake.fx_rates
    group by rate_date, from_currency, to_currency
    having count(distinct rate) > 1
    order by all
"""


def exchange_rate_failures(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Yield a sentence for each missing rate, and for each day with two rates."""
    for currency, reporting, period, sources in connection.execute(_MISSING).fetchall():
        yield (
            f"there is no exchange rate {currency} to {reporting} for {period} ({sources}): add "
            f"rates of that month to a source of connector fx_rates, or exchange_rate to the "
            "invoice in invoices.csv"
        )
    for day, currency, other, rates in connection.execute(_CONTRADICTIONS).fetchall():
        yield f"{currency} to {other} has two rates for {day}: {rates}; only one can hold"
