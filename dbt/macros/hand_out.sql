{# CTEs that end with `handed_out`: whole nanoseconds and nano-units of money for the weights of
   `members`, by the largest remainders. Needs `members`, `gpu_totals` and `charge_groups` before it. #}
{% macro hand_out() -%}
    {%- set quotas = {
        'ns': 'sums.total_ns * (members.weight / sums.weight)',
        'equal_ns': 'sums.total_ns * (members.equal_weight / sums.equal_weight)',
        'units': 'sums.units * (members.weight / sums.weight)',
        'equal_units': 'sums.units * (members.equal_weight / sums.equal_weight)',
    } -%}
sums as (
    select
        members.group_key,
        sum(members.weight)::double as weight,
        sum(members.equal_weight)::double as equal_weight,
        any_value(totals.total_ns) as total_ns,
        any_value(totals.is_scaled) as is_scaled,
        any_value(charge_groups.units) as units
    from members
    inner join (
        select
            group_key,
            sum((gpus * total_ns)::bigint)::bigint as total_ns,
            bool_or(observed_ns > total_ns + 0.5) as is_scaled
        from gpu_totals
        group by group_key
    ) as totals on members.group_key = totals.group_key
    inner join charge_groups on members.group_key = charge_groups.group_key
    group by members.group_key
),

quotas as (
    select
        members.group_key,
        members.member,
        members.phi
        {%- for name, quota in quotas.items() %},
        {{ quota }} as {{ name }}
        {%- endfor %}
    from members
    inner join sums on members.group_key = sums.group_key
    where members.weight > 0 or members.equal_weight > 0
),

left_over as (
    select
        sums.group_key
        {%- for name in quotas %},
        (sums.{{ 'total_ns' if name.endswith('ns') else 'units' }} - floored.{{ name }})::bigint as {{ name }}
        {%- endfor %}
    from (
        select
            group_key
            {%- for name in quotas %},
            sum(floor({{ name }})::bigint) as {{ name }}
            {%- endfor %}
        from quotas
        group by group_key
    ) as floored
    inner join sums on floored.group_key = sums.group_key
),

-- Whole nanoseconds and nano-units, by the largest remainders, ties to the smaller key: the sums
-- are exact, and each is right within one.
ranked as (
    select
        *
        {%- for name in quotas %},
        row_number() over (
            partition by group_key order by {{ name }} - floor({{ name }}) desc, member
        ) as {{ name }}_rank
        {%- endfor %}
    from quotas
),

handed_out as (
    select
        ranked.group_key,
        ranked.member,
        ranked.phi,
        ranked.units_rank,
        ranked.equal_units_rank
        {%- for name in quotas %},
        floor(ranked.{{ name }})::bigint + (ranked.{{ name }}_rank <= left_over.{{ name }})::bigint as {{ name }}
        {%- endfor %}
    from ranked
    inner join left_over on ranked.group_key = left_over.group_key
)
{%- endmacro %}
