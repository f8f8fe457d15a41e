"""OpenRouter: a row a day, model and endpoint of what was spent, and the tokens of it.

`usage` is what OpenRouter takes from the account's credits: a charge. Topping credits up is a
payment, and never added. `byok_usage_inference` is spent with the user's own key of the provider
behind: it is on that provider's bill, and no charge here; its tokens are counted all the same.

A location is https://openrouter.ai/api/v1, or a folder of saved answers:
`2026-10/20261103T060000Z/activity-2026-10-01-0001.json, …`. A slot is a UTC month, an answer a day
of it. Only the last 30 completed days are offered: days that are gone are carried over from the
delivery before, so ask at least once a month.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from connectors import _http
from connectors._base import (
    About,
    Connector,
    Delivery,
    InputColumn,
    Landed,
    Options,
    Source,
    Window,
)
from connectors._sql import quoted
from models.errors import ContractError
from models.manifest import Manifest
from models.tables import CHARGES, TOKEN_USAGE

OFFERED_DAYS = 30
READ_AGAIN_DAYS = 3  # a completed day should not change: the last ones are read again to be sure
_TEXTS = ("date", "model", "model_permaslug", "endpoint_id", "provider_name", "workspace_id")
_COUNTS = ("requests", "prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens")
_MONEY = ("usage", "byok_usage_inference")


class OpenRouterOptions(Options):
    """`management_key_env` names the environment variable with the management key."""

    management_key_env: str = "OPENROUTER_MANAGEMENT_KEY"
    # The API does not say whose account answers: a name for it, by default the source's.
    billing_account_id: str | None = None


def discover(source: Source, window: Window, landed: Landed) -> Iterator[Delivery]:
    """Offer a delivery a month that has a completed day."""
    for delivery in _http.discover(source, window, landed, _is_final):
        begins, _ = _http.month_bounds(delivery.slot)
        if not _http.is_url(source.location) or begins.date() < _http.now().date():
            yield delivery


def _is_final(manifest: Manifest) -> bool:
    _, end = _http.month_bounds(manifest.slot)
    fetched_at = datetime.strptime(manifest.version, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return fetched_at >= end + timedelta(days=READ_AGAIN_DAYS)


def fetch(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    """Write the answers about the days of one month into `folder`."""
    if _http.is_url(source.location):
        delivery = _fetch_live(source, delivery, folder)
    else:
        delivery = _http.copy_saved(source, delivery, folder)
    for file in sorted(path.name for path in folder.glob("*.json")):
        for number, row in enumerate(_rows(folder, file), start=1):
            if str(row.get("date"))[:7] != delivery.slot:
                raise ContractError(
                    f"{file}, row {number}: date is {row.get('date')}; it belongs to "
                    f"{delivery.slot} alone"
                )
    return delivery


def _fetch_live(source: Source, delivery: Delivery, folder: Path) -> Delivery:
    assert isinstance(source.options, OpenRouterOptions)
    carried = _carry_over(delivery, folder)
    today = _http.now().date()
    asked: dict[str, Any] = {}
    unfinished = folder.parent / ".unfinished" / delivery.slot
    with _http.connect(
        source.location, source.options.management_key_env, unfinished=unfinished
    ) as api:
        for day in _days(delivery.slot, today):
            age = (today - day).days
            if age <= OFFERED_DAYS and (age <= READ_AGAIN_DAYS or str(day) not in carried):
                asked[str(day)] = _http.save(api, _question(day), folder)
    if not asked and not carried:
        raise ContractError(
            f"{source.name}: {delivery.slot} is too long ago; OpenRouter offers the last "
            f"{OFFERED_DAYS} completed days"
        )
    return replace(delivery, request={"url": source.location, "asked": asked})


def _carry_over(delivery: Delivery, folder: Path) -> set[str]:
    """Copy the days of the delivery before; return them. It is beside the one that is made."""
    replaces = delivery.request.get("replaces")
    if replaces is None:
        return set()
    before = folder.parent / delivery.slot / replaces
    if not before.is_dir():
        raise ContractError(f"{before} is not there any more: its days are not offered again")
    files = sorted(before.glob("activity-*.json"))
    for file in files:
        shutil.copyfile(file, folder / file.name)
    return {file.name.removeprefix("activity-")[:10] for file in files}


def _days(period: str, today: date) -> Iterator[date]:
    start, end = _http.month_bounds(period)
    day = start.date()
    while day < min(end.date(), today):
        yield day
        day += timedelta(days=1)


def _question(day: date) -> _http.Endpoint:
    return _http.Endpoint(
        f"activity-{day}",
        "activity",
        {"date": str(day)},
        paging=None,
        ladders=(_http.Ladder([{"group_by": "workspace"}, {}]),),
    )


def _rows(folder: Path, file: str) -> list[dict[str, Any]]:
    answer = _http.read_json(folder, file)
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ContractError(f"{file} is not an answer of the API: it has no list 'data'")
    return rows


def read(connection: DuckDBPyConnection, folder: Path, files: Sequence[str]) -> dict[str, str]:
    """Return the input `activity`: one row a record, numbers as the vendor's text."""
    columns = (*_TEXTS, *_COUNTS, *_MONEY)
    connection.execute("create temp table answers (x_file varchar, data varchar)")
    for file in sorted(files):
        rows = [{name: row.get(name) for name in columns} for row in _rows(folder, file)]
        connection.execute("insert into answers values (?, ?)", [file, json.dumps(rows)])
    structure = quoted(json.dumps([dict.fromkeys(columns, "VARCHAR")]))
    connection.execute(_ACTIVITY.format(structure=structure))
    twice = connection.execute(_TWICE).fetchone()
    if twice:
        raise ContractError(f"{twice[0]} and {twice[1]} have the same row: a day came twice")
    return {"activity": "select * from read_activity"}


_ACTIVITY = """
create temp table read_activity as
with numbered as (
    select
        x_file,
        unnest(from_json(data, {structure})) as record,
        generate_subscripts(from_json(data, '["JSON"]'), 1) as x_row
    from answers
)

select x_file, x_row, record.* from numbered order by x_file, x_row
"""
_TWICE = """
select min(x_file), max(x_file)
from read_activity
group by date, model_permaslug, endpoint_id, provider_name, workspace_id
having count(distinct x_file) > 1
order by all
limit 1
"""


def normalize(source: Source) -> Mapping[str, str]:
    """Return the queries of charges and token usage."""
    account = getattr(source.options, "billing_account_id", None) or source.name
    return {"charges": _CHARGES.format(account=quoted(account)), "token_usage": _TOKEN_USAGE}


_CHARGES = """
select
    {account} as billing_account_id,
    {account} as billing_account_name,
    'Account' as billing_account_type,
    'USD' as billing_currency,
    strftime(cast(date as date), '%Y-%m') as x_billing_period,
    billing_period_start(x_billing_period) as billing_period_start,
    billing_period_end(x_billing_period) as billing_period_end,
    cast(cast(date as date) as timestamp) as charge_period_start,
    charge_period_start + interval 1 day as charge_period_end,
    'Usage' as charge_category,
    concat_ws(' ', model, 'by', provider_name) as charge_description,
    'Usage-Based' as charge_frequency,
    money(usage) as billed_cost,
    billed_cost as effective_cost,
    billed_cost as list_cost,
    billed_cost as contracted_cost,
    'USD' as pricing_currency,
    billed_cost as pricing_currency_effective_cost,
    'OpenRouter' as invoice_issuer_name,
    'OpenRouter' as provider_name,
    'OpenRouter' as publisher_name,
    'OpenRouter' as service_provider_name,
    activity.provider_name as host_provider_name,
    'AI and Machine Learning' as service_category,
    'Generative AI' as service_subcategory,
    'OpenRouter API' as service_name,
    model_permaslug as sku_id,
    'Inference' as sku_meter,
    nullif(workspace_id, '') as sub_account_id,
    sub_account_id as sub_account_name,
    if(sub_account_id is null, null, 'Workspace') as sub_account_type,
    -- With the user's own key, the inference is on the bill of the provider behind.
    if(cast(byok_usage_inference as decimal(38, 12)) <> 0, 'byok', 'credits') as x_usage_type,
    model_permaslug as x_model,
    x_file,
    x_row
from activity
order by x_file, x_row
"""

# Cached tokens are among those of the prompt, unless there are more of them: then they were counted
# apart. Reasoning is among the completion.
_TOKEN_USAGE = """
with counted as (
    select
        *,
        cast(prompt_tokens as bigint) as prompt,
        coalesce(cast(cached_tokens as bigint), 0) as cached,
        unnest([
            {token_type: 'uncached_input', quantity: if(cached > prompt, prompt, prompt - cached)},
            {token_type: 'cache_read', quantity: cached},
            {token_type: 'output', quantity: cast(completion_tokens as bigint)}
        ]) as bucket,
        generate_subscripts([1, 2, 3], 1) as bucket_number
    from activity
)

select
    cast(cast(date as date) as timestamp) as usage_period_start,
    usage_period_start + interval 1 day as usage_period_end,
    'OpenRouter' as service_provider_name,
    'chat' as operation_name,
    nullif(workspace_id, '') as sub_account_id,
    model_permaslug as model,
    bucket.token_type as token_type,
    bucket.quantity as quantity,
    if(bucket_number = 1, cast(requests as bigint), null) as requests,
    strftime(cast(date as date), '%Y-%m') as x_billing_period,
    x_file,
    x_row
from counted
where bucket_number = 1 or bucket.quantity <> 0
order by x_file, x_row, bucket_number
"""

CONNECTOR = Connector(
    name="openrouter_activity",
    title="OpenRouter daily activity",
    produces=(CHARGES, TOKEN_USAGE),
    inputs={
        "activity": (
            *(InputColumn(name, required=name in ("date", "model_permaslug")) for name in _TEXTS),
            *(InputColumn(name, "integer") for name in _COUNTS),
            InputColumn("usage", "money", True),
            InputColumn("byok_usage_inference", "money"),
        )
    },
    discover=discover,
    fetch=fetch,
    read=read,
    normalize=normalize,
    amounts="select 'USD' as billing_currency, usage as amount from activity",
    about=About(
        vendor="OpenRouter",
        kind="llm",
        interface="activity endpoint, or saved answers",
        granularity="day; model, endpoint and workspace",
        restated="the last three completed days; days past 30 are no longer offered",
        cannot_tell="API keys, token types apart, payments; what BYOK costs is on another bill",
        tested_with="the sample company's answers; the API on loopback; the documented example",
    ),
    options=OpenRouterOptions,
)
