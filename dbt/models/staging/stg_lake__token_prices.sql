-- One row a list price and the days on which it holds. The catalogue is only appended to: a newer row
-- holds from its own date, else from the day on which it was first seen, and the older ones until then.
with dated as (
    select
        *,
        case when valid_from is null and seen_on is not null then seen_on else valid_from end as holds_from
    from {{ source('lake', 'token_prices') }}
),

snapshots as (
    select
        provider,
        model,
        snapshot,
        lead(min(coalesce(holds_from, date '1970-01-01')) filter (
            where coalesce(holds_from < valid_to, true)
        )) over (partition by provider, model order by snapshot) as superseded_on
    from dated
    group by provider, model, snapshot
)

select
    dated.* exclude (valid_from, valid_to, holds_from, seen_on, snapshot),
    dated.holds_from as valid_from,
    least(dated.valid_to, snapshots.superseded_on) as valid_to
from dated
inner join snapshots
    on
        dated.provider = snapshots.provider
        and dated.model = snapshots.model
        and dated.snapshot = snapshots.snapshot
where coalesce(dated.holds_from < least(dated.valid_to, snapshots.superseded_on), true)
