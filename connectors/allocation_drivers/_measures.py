"""Measures in force, after what replaces and deletes them, and rows that are none."""

from connectors._sql import quoted
from connectors.allocation_drivers._read import ENTITIES

_NAMES = (*(column.removesuffix("_id") for column in ENTITIES), "customer_id")


def drivers(element: str, driver: str | None) -> str:
    """Return the SQL of the measures in force."""
    return f"{_judged(element, driver)} {_DRIVERS}"


def quarantine(element: str, driver: str | None) -> str:
    """Return the SQL of the rows that cannot be used."""
    return f"{_judged(element, driver)} {_QUARANTINE}"


def _entity(column: str) -> str:
    """What a row's element, else its own column, says of one entity."""
    name = column.removesuffix("_id")
    return f"coalesce(nullif(elements ->> '$.{name}', ''), elements ->> '$.{column}', raw.{column})"


def _named(element: str) -> str:
    """Every row with its members as a JSON object; a bare value is one of `element`."""
    return f"""
        select
            *,
            case
                when element is null then '{{}}'
                when starts_with(element, '{{') then if(json_valid(element), element, null)
                when regexp_matches(element, '^\\s*\\w+\\s*:')
                    then cast(to_json(map_from_entries(list_transform(
                        regexp_split_to_array(element, '\\s*;\\s*'),
                        lambda pair: {{
                            'key': trim(split_part(pair, ':', 1)),
                            'value': trim(substr(pair, strpos(pair, ':') + 1))
                        }}
                    ))) as varchar)
                else cast(json_object({quoted(element)}, element) as varchar)
            end as elements
        from raw
    """


def _judged(element: str, driver: str | None) -> str:
    """Every row with its interval and members, and the first problem that it has."""
    entities = ", ".join(f"{_entity(column)} as {column}" for column in ENTITIES)
    return f"""
    with named as ({_named(element)}),
    timed as materialized (
        select
            raw.driver, raw.value, raw.filter, raw.element, raw.timestamp, raw.granularity,
            raw.measured_from as given_from, raw.measured_to as given_to,
            coalesce(raw.driver, {quoted(driver) if driver else "null"}) as stream,
            coalesce(lower(raw.operation), 'sum') as done,
            coalesce(raw.measured_from, raw.timestamp) as said,
            try_cast(try_cast(said as timestamptz) as timestamp) as moment,
            case
                when raw.measured_from is not null then moment
                when upper(raw.granularity) = 'HOURLY' then date_trunc('hour', moment)
                when upper(raw.granularity) = 'DAILY' then date_trunc('day', moment)
                when upper(raw.granularity) = 'MONTHLY' then date_trunc('month', moment)
            end as begins,
            case
                when raw.measured_from is not null
                    then try_cast(try_cast(raw.measured_to as timestamptz) as timestamp)
                when upper(raw.granularity) = 'HOURLY' then begins + interval 1 hour
                when upper(raw.granularity) = 'DAILY' then begins + interval 1 day
                when upper(raw.granularity) = 'MONTHLY' then begins + interval 1 month
            end as ends,
            {_NUMBER} as amount,
            elements,
            list_filter(json_keys(elements), lambda key: key not in {_NAMES})[1] as stranger,
            {entities},
            if(raw.filter is null or json_valid(raw.filter), raw.filter, null) as about,
            raw.x_file, raw.x_row, raw.x_place
        from named as raw
    ),
    judged as materialized (
        select *, {_PROBLEM} as problem
        from timed
    ),
    {_OPERATED}
    """


def _when(condition: str, column: str, value: str, reason: str) -> str:
    return (
        f"when {condition} then {{'column_name': '{column}', 'value': {value}, "
        f"'reason': {quoted(reason)}}}"
    )


# With more than 14 digits before its point a number is read as it stands; never with an exponent.
_NUMBER = """coalesce(
                cast(try(exact(raw.value)) as decimal(38, 12)),
                if(contains(lower(raw.value), 'e'), null, try_cast(raw.value as decimal(38, 12)))
            )"""
_NOBODY = " and ".join(f"{column} is null" for column in ENTITIES)
_PROBLEM = "\n            ".join(
    (
        "case",
        _when("stream is null", "driver", "null", "is empty"),
        _when(
            "done not in ('sum', 'replace', 'delete')",
            "operation", "done", "is not sum, replace or delete",
        ),
        _when("given_from is null and timestamp is null", "timestamp", "null", "is empty"),
        _when(
            "moment is null and given_from is not null",
            "measured_from", "given_from", "is not a time",
        ),
        _when("moment is null", "timestamp", "timestamp", "is not a time"),
        _when(
            "ends is null and given_from is not null",
            "measured_to", "given_to", "is not a time",
        ),
        _when(
            "ends is null",
            "granularity", "granularity", "is not HOURLY, DAILY or MONTHLY",
        ),
        _when("ends <= begins", "measured_to", "given_to", "is not after measured_from"),
        _when("elements is null", "element", "element", "is no JSON object"),
        _when(
            "stranger is not null", "element", "stranger",
            "is not customer, feature, workflow, team, environment or model",
        ),
        _when("filter is not null and about is null", "filter", "filter", "is no JSON object"),
        _when(f"done <> 'delete' and {_NOBODY}", "element", "element", "names nobody"),
        _when("done <> 'delete' and value is null", "value", "null", "is empty"),
        _when("done <> 'delete' and amount is null", "value", "value", "is not a number"),
        _when("done <> 'delete' and amount < 0", "value", "value", "is negative"),
        "end",
    )
)  # fmt: skip

_SAME = " and ".join(
    (
        "later.stream = earlier.stream",
        "later.begins = earlier.begins",
        "later.ends = earlier.ends",
        "earlier.x_place < later.x_place",
        "(later.about is null or later.about = earlier.about)",
        *(f"(later.{name} is null or later.{name} = earlier.{name})" for name in ENTITIES),
    )
)

# Each replacement or deletion, and what stands before it that it takes away.
_OPERATED = f"""
    operations as materialized (
        select * from judged where problem is null and done <> 'sum'
    ),
    taken as materialized (
        select later.x_place as by_place, earlier.x_place
        from operations as later
        inner join judged as earlier on {_SAME}
        where earlier.problem is null and earlier.done <> 'delete'
    )
"""

_DRIVERS = f"""
    select
        stream as driver,
        begins as measured_from,
        ends as measured_to,
        {", ".join(ENTITIES)},
        amount as value,
        about as filter,
        x_file,
        x_row
    from judged
    where
        problem is null
        and done <> 'delete'
        and x_place not in (select taken.x_place from taken)
    order by x_place
"""

_QUARANTINE = """
    , refused as (
        select moment, problem as why, x_file, x_row, x_place
        from judged where problem is not null
        union all
        select
            moment,
            {'column_name': 'operation', 'value': 'delete', 'reason':
                'finds nothing to delete in the files of its day or month'},
            x_file, x_row, x_place
        from operations
        where done = 'delete' and x_place not in (select by_place from taken)
    )
    select
        cast(coalesce(moment, timestamp '1970-01-01') as date) as quarantined_day,
        why.column_name as column_name,
        why.value as value,
        why.reason as reason,
        x_file,
        x_row
    from refused
    order by x_place
"""
