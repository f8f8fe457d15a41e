"""CoreWeave: hourly quantities in FOCUS 1.2, without any cost until a rate card prices them.

A location is a folder of what the FOCUS Billing Export API answered, JSON or CSV pages, saved as
`2026-10/20261103T060000Z/usage-0001.json`; or the API's URL, with `export:` what to ask there: the
API is a public preview. A slot is a UTC month. Rows are sums of an hour, product, cluster and zone,
of no single node.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from duckdb import DuckDBPyConnection

from connectors import _http
from connectors._base import About, Connector, Delivery, Landed, Options, Source, Window
from connectors._focus import folders, requests
from connectors._focus.columns import KINDS, input_columns
from connectors._focus.rows import SUFFIXES, read_rows
from connectors._sql import quoted
from models.errors import ConfigError
from models.tables import METERED_USAGE

_REQUIRED = ("ChargePeriodStart", "ChargePeriodEnd", "ConsumedQuantity", "ConsumedUnit")
_SUFFIXES = (*SUFFIXES, ".json")


class CoreWeaveOptions(Options):
    """What to ask of the API, where the location is one; a name for an account without one."""

    export: requests.Export | None = None
    billing_account_id: str | None = None


def discover(source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Offer saved months, or of the API the open and the previous one."""
    if _http.is_url(source.location):
        yield from _http.discover(source, window, landed)
    else:
        yield from folders.discover(source, window, landed, _SUFFIXES)


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Bring the pages of a month into `folder`."""
    assert isinstance(source.options, CoreWeaveOptions)
    if not _http.is_url(source.location):
        return folders.fetch(source, delivery, folder)
    if source.options.export is None:
        raise ConfigError(f"{source.name}: of a URL, the option export must say what to ask there")
    return requests.fetch(source.location, source.options.export, delivery, folder)


def read(connection: DuckDBPyConnection, folder: Path, files: Sequence[str]) -> dict[str, str]:
    """Return the query of `raw`: blank columns are NULL."""
    return read_rows(connection, folder, files, _REQUIRED, _SUFFIXES)


def normalize(source: Source) -> dict[str, str]:
    """Return the query of metered usage."""
    account = getattr(source.options, "billing_account_id", None) or source.name
    return {"metered_usage": _USAGE.replace("{account}", quoted(account))}


# What a row belongs to is the month in which it starts: the bill is by calendar month.
_USAGE = """
    select
        coalesce(BillingAccountId, {account}) as billing_account_id,
        BillingAccountName as billing_account_name,
        cast(cast(ChargePeriodStart as timestamptz) as timestamp) as charge_period_start,
        cast(cast(ChargePeriodEnd as timestamptz) as timestamp) as charge_period_end,
        ChargeDescription as charge_description,
        'CoreWeave' as service_provider_name,
        coalesce(ServiceCategory, 'Compute') as service_category,
        ServiceSubcategory as service_subcategory,
        coalesce(ServiceName, 'CoreWeave') as service_name,
        coalesce(SkuId, SkuMeter, ServiceName) as sku_id,
        SkuMeter as sku_meter,
        case x_CapacityPlan
            when 'Reserved' then 'Committed'
            when 'On-Demand' then 'Standard'
            when 'Spot' then 'Dynamic'
            when 'Flex' then 'Other'
            else PricingCategory
        end as pricing_category,
        RegionId as region_id,
        if(RegionId is null, null, coalesce(RegionName, RegionId)) as region_name,
        ResourceId as resource_id,
        ResourceName as resource_name,
        ResourceType as resource_type,
        SubAccountId as sub_account_id,
        SubAccountName as sub_account_name,
        Tags as tags,
        cast(ConsumedQuantity as decimal(38, 12)) as consumed_quantity,
        ConsumedUnit as consumed_unit,
        strftime(charge_period_start, '%Y-%m') as x_billing_period,
        -- The capacity plan, as CoreWeave calls it.
        x_CapacityPlan as x_usage_type,
        x_file,
        x_row
    from raw
"""
_AMOUNTS = """
    select
        strftime(cast(cast(ChargePeriodStart as timestamptz) as timestamp), '%Y-%m')
            as billing_period,
        cast(null as varchar) as billing_currency,
        cast(null as varchar) as amount
    from raw
"""

CONNECTOR = Connector(
    name="coreweave_usage",
    title="CoreWeave usage in FOCUS",
    produces=(METERED_USAGE,),
    inputs={"raw": input_columns(*KINDS, required=_REQUIRED)},
    discover=discover,
    fetch=fetch,
    read=read,
    normalize=normalize,
    amounts=_AMOUNTS,
    about=About(
        vendor="CoreWeave",
        kind="gpu",
        interface="FOCUS 1.2 billing export API (public preview), saved answers",
        granularity="hour, product, cluster and zone",
        restated="the open and the previous month",
        cannot_tell="any cost; nodes, tags and projects: a rate card prices the quantities",
        tested_with="the sample company's answers; loopback",
    ),
    options=CoreWeaveOptions,
)
