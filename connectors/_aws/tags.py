"""The five spellings of a tag key as one, which value counts, and what collides.

    resource_tags            user_cost_center            CUR 2.0, and as its keys are written here
    resource_tags            user:CostCenter             CUR 2.0, as other tools write it
    tags                     resourceTags/CostCenter     CUR 2.0's newer column
    resourceTags/user:CostCenter                         legacy csv
    resource_tags_user_cost_center                       legacy Parquet

Keys become those of the first: AWS puts _ before each capital, makes it small, and makes one _ of
all else. Resource tags and cost categories stand in `tags` once more: they are read there only for
lines that have none in the column of their own. What else `tags` holds (accountTag/, iamPrincipal/,
userAttribute/) keeps its key and prefix. Where two keys become one, the key that is written as ours
is read, else the first in alphabetical order; both are reported where their values differ.
"""

_RESOURCE, _CATEGORY = "resourceTags/", "costCategory/"


def snake(expression: str) -> str:
    """Return the SQL of a name as AWS writes it into Parquet: CostCenter is cost_center."""
    parts = f"regexp_replace({expression}, '([A-Z])', '_\\1', 'g')"
    return f"trim(lower(regexp_replace({parts}, '[^A-Za-z0-9]+|_+', '_', 'g')), '_')"


def _key(expression: str, owned: str) -> str:
    """Return the SQL of our key: a tag is the user's unless its key says that it is AWS's."""
    return f"""if(regexp_matches({expression}, '^(user|aws){owned}'), '', 'user_')
        || {snake(expression)}"""


_NAMED = f"""
    list_transform(
        map_entries(resource_tags),
        lambda entry: {{
            'key': {_key("entry.key", "[:_]")}, 'named': entry.key, 'value': entry.value
        }}
    )
"""
_AGAIN = f"""
    list_transform(
        list_filter(map_entries(tags), lambda entry: starts_with(entry.key, '{_RESOURCE}')),
        lambda entry: {{
            'key': {_key(f"substr(entry.key, {len(_RESOURCE) + 1})", ":")},
            'named': entry.key,
            'value': entry.value
        }}
    )
"""
_OTHER = f"""
    list_transform(
        list_filter(
            map_entries(tags),
            lambda entry: not starts_with(entry.key, '{_RESOURCE}')
                and (not starts_with(entry.key, '{_CATEGORY}')
                    or coalesce(cardinality(cost_category), 0) = 0)
        ),
        lambda entry: {{'key': entry.key, 'named': entry.key, 'value': entry.value}}
    )
"""
_CATEGORIES = f"""
    list_transform(
        map_entries(cost_category),
        lambda entry: {{
            'key': '{_CATEGORY}' || entry.key,
            'named': '{_CATEGORY}' || entry.key,
            'value': entry.value
        }}
    )
"""

# All tags of a line: our key, AWS's, the value; those that are read stand before what they hide.
_ENTRIES = f"""
    list_sort(list_transform(
        list_concat(
            coalesce(if(cardinality(resource_tags) > 0, {_NAMED}, {_AGAIN}), []),
            coalesce({_OTHER}, []),
            coalesce({_CATEGORIES}, [])
        ),
        lambda tag: {{
            'is_prefixed': contains(tag.key, '/'),
            'key': tag.key,
            'is_other': tag.key <> tag.named,
            'named': tag.named,
            'value': tag.value
        }}
    ))
"""

# Stages of a query, in this order: `tagged` adds tag_entries to the rows of `line`.
TAG_ENTRIES = f"case when not getvariable('has_plain_tags') then {_ENTRIES} end as tag_entries"

_READ = """
    list_filter(
        tag_entries, lambda tag, place: place = 1 or tag_entries[place - 1].key <> tag.key
    )
"""

# Most exports have plain tags only: building a new map of them would cost ten times as much.
TAGS = f"""
    case
        when not getvariable('has_plain_tags')
            then nullif(to_json(map_from_entries(list_transform(
                {_READ}, lambda tag: {{'key': tag.key, 'value': tag.value}}
            ))), '{{}}')
        when coalesce(cardinality(cost_category), 0) = 0
            then nullif(to_json(resource_tags), '{{}}')
        else to_json(map_concat(
            coalesce(resource_tags, map {{}}),
            map_from_entries(list_transform(
                map_entries(cost_category),
                lambda entry: {{'key': '{_CATEGORY}' || entry.key, 'value': entry.value}}
            ))
        ))
    end
"""

# A row a colliding key and pair of values, at the first line that has them.
COLLISIONS = f"""
    with tagged as (
        select
            cast(line_item_usage_start_date as timestamp) as usage_start, {TAG_ENTRIES},
            x_file, x_row
        from raw
        where not getvariable('has_plain_tags')
    ),

    hidden as (
        select
            usage_start,
            unnest(list_filter(
                list_transform(
                    tag_entries,
                    lambda tag, place: {{'read': tag_entries[place - 1], 'hidden': tag}}
                ),
                lambda pair: pair.read.key = pair.hidden.key
                    and pair.read.value is distinct from pair.hidden.value
            )) as pair,
            x_file,
            x_row
        from tagged
    )

    select
        cast(min(usage_start) as date) as quarantined_day,
        'tags' as column_name,
        pair.hidden.named || '=' || coalesce(pair.hidden.value, '') as value,
        'tag key ' || pair.hidden.key || ' stands twice, also as ' || pair.read.named || '='
            || coalesce(pair.read.value, '') || ', which is read; lines: ' || count(*) as reason,
        min((x_file, x_row))[1] as x_file,
        min((x_file, x_row))[2] as x_row
    from hidden
    group by pair
"""
