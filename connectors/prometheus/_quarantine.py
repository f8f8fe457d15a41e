"""What cannot be used, and what the server said beside its answers."""

QUARANTINE = """
    with told as (
        select spoiled.day, metric as column_name, value, spoiled.problem as reason,
            page.x_file, spoiled.place & 1099511627775 as x_row
        from spoiled inner join page on page.file_id = spoiled.place >> 40
        union all
        select
            cast(day.starts as date), 'warnings', unnest(page.warnings),
            'is what the server says about its answer: samples may be missing', page.x_file, 1
        from page cross join day
    )
    select
        greatest(told.day, cast(day.starts as date)) as quarantined_day,
        told.column_name, told.value, told.reason, told.x_file, told.x_row
    from told cross join day
    order by told.x_file, told.x_row, told.column_name
"""
