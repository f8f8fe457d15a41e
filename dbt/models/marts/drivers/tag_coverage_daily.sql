-- Every key that a source's charges carry anywhere, and the row (any): charges with at least one key.
with costs as (
    select
        spread.charge_date,
        lines.source,
        spread.billing_currency,
        lines.tags,
        sum(spread.effective_cost)::decimal(38, 12) as effective_cost
    from {{ ref('int_driver_costs') }} as spread
    inner join {{ ref('int_charge_lines') }} as lines
        on spread.charge_group_id = lines.charge_group_id and spread.charge_line_id = lines.charge_line_id
    group by all
),

named as (
    select distinct
        tags,
        pair.key as key
    from (
        select
            tags,
            unnest(map_entries(try_cast(tags::json as map(varchar, varchar)))) as pair
        from (select distinct tags from costs where tags is not null) as distinct_tags
    ) as pairs
    where pair.value <> ''
),

keys as (
    select
        tags,
        key
    from named
    union all
    select distinct
        tags,
        '(any)'
    from named
),

tagged as (
    select
        costs.charge_date,
        costs.source,
        costs.billing_currency,
        keys.key,
        sum(costs.effective_cost) as tagged_cost
    from costs
    inner join keys on costs.tags = keys.tags
    group by all
),

totals as (
    select
        charge_date,
        source,
        billing_currency,
        sum(effective_cost) as effective_cost
    from costs
    group by all
),

expected as (
    select distinct source, key from tagged
    union
    select distinct source, '(any)' from totals
)

select
    totals.charge_date,
    totals.source,
    totals.billing_currency,
    expected.key as tag_key,
    totals.effective_cost::decimal(38, 12) as effective_cost,
    coalesce(tagged.tagged_cost, 0)::decimal(38, 12) as tagged_cost,
    (totals.effective_cost - coalesce(tagged.tagged_cost, 0))::decimal(38, 12) as untagged_cost,
    (coalesce(tagged.tagged_cost, 0) / nullif(totals.effective_cost, 0))::decimal(18, 6) as coverage
from totals
inner join expected on totals.source = expected.source
left join tagged
    on
        totals.charge_date = tagged.charge_date and totals.source = tagged.source
        and totals.billing_currency = tagged.billing_currency and expected.key = tagged.key
