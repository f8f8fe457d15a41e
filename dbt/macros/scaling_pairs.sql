{# Each scale-down with the next scale-up of its group: the last to go down is the first to come up
   again, and each stands in one pair. `events` has the columns of `groups`, is_down, event_key and
   place, which orders them totally.
   How many are down is the running sum, never below none; what goes down to a level and what comes up
   from it take turns. #}
{% macro lifo_pairs(events, groups) -%}
    select event_key as down_key, up_key
    from (
        select
            *,
            lead(event_key) over by_level as up_key
        from (
            select
                *,
                if(is_down, depth, coalesce(lag(depth) over (partition by {{ groups }} order by place), 0)) as level
            from (
                select
                    *,
                    downs - least(0, min(downs) over passed) as depth
                from (
                    select
                        *,
                        sum(if(is_down, 1, -1)) over (
                            partition by {{ groups }} order by place rows unbounded preceding
                        ) as downs
                    from {{ events }}
                ) as summed
                window passed as (partition by {{ groups }} order by place rows unbounded preceding)
            ) as deep
        ) as levels
        where level > 0
        window by_level as (partition by {{ groups }}, level order by place)
    ) as paired
    where is_down and up_key is not null
{%- endmacro %}

{# What a number of milliseconds costs at the rate of a machine's hour: rounded down to nano-units. For
   few rows: whole numbers of 128 bits are slow. #}
{% macro cost_of_ms(cost, milliseconds, billed_ms) -%}
    {{ from_nano('(' ~ nano(cost) ~ ')::hugeint * (' ~ milliseconds ~ ') // nullif(' ~ billed_ms ~ ', 0)') }}
{%- endmacro %}
