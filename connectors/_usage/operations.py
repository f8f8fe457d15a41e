"""Which attempts are one operation: by the field that says so, else by the retries of a gateway."""

from connectors._usage.map import UsageMap

# A retry follows the last attempt before it that failed, had a smaller number, and was made within
# the same operation's values; the attempt that follows none is the operation's first.
_CHAIN = """
    , numbered as materialized (
        select x_file, x_row, attempt_id, started_at, status, retry_number, retried_within
        from metered
        where retry_number > 0 or status in ('error', 'rejected')
    ),
    followed as materialized (
        select
            retry.x_file, retry.x_row, retry.attempt_id,
            arg_max(
                failed.attempt_id, (failed.started_at, failed.retry_number, failed.attempt_id)
            ) as before
        from numbered as retry inner join numbered as failed
            on retry.retried_within = failed.retried_within
            and failed.retry_number < retry.retry_number
            and failed.started_at <= retry.started_at
            and failed.status in ('error', 'rejected')
        where retry.retry_number > 0
        group by all
    ),
    chain as (
        with recursive up as (
            select x_file, x_row, before as first_attempt, 1 as distance from followed
            union all
            select up.x_file, up.x_row, followed.before, up.distance + 1
            from up inner join followed on followed.attempt_id = up.first_attempt
            where up.distance < 100
        )
        select x_file, x_row, arg_max(first_attempt, distance) as first_attempt
        from up group by x_file, x_row
    ),
    chained as (select * from metered left join chain using (x_file, x_row))
"""


def operations(map_: UsageMap) -> tuple[str, str]:
    """Return the CTEs that chain retries, and the SQL of an attempt's operation."""
    if map_.retries is None:
        return "", "coalesce(said_inference, attempt_id)"
    return _CHAIN, "coalesce(said_inference, first_attempt, attempt_id)"
