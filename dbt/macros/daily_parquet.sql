{# The day that a daily model builds. Unit tests override it. #}
{% macro charge_date() -%}
    cast(getvariable('charge_date') as date)
{%- endmacro %}

{# One Parquet file a day: <lake>/facts/<model>-<day>-<hash of the day's inputs>.parquet. A day whose
   file exists is not built again: no watermark, nothing to forget. The relation is a view on
   exactly the files of the current inputs. COPY writes the file without a table in between.
   A model whose days depend on less than all inputs says on which: meta={'day_hash': 'attempts_hash'}.
   While a day is built, views show no other day's files: see look_at_day. #}
{% materialization daily_parquet, adapter='duckdb', supported_languages=['sql'] %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set stem = var('lake') ~ '/facts/' ~ this.identifier -%}
    {{ run_hooks(pre_hooks) }}

    {%- set days = [] -%}
    {%- set built = [] -%}
    {%- set tables = [] -%}
    {%- if execute -%}
        {%- set inputs = ref('int_day_inputs') -%}
        {%- set hash_column = config.get('meta', {}).get('day_hash', 'costs_hash') -%}
        {%- set days = run_query('select charge_date, ' ~ hash_column ~ ' from ' ~ inputs ~ ' order by 1').rows -%}
        {%- set found = run_query("select file from glob('" ~ stem ~ "-*.parquet')").rows -%}
        {%- for row in found -%}{%- do built.append(row[0]) -%}{%- endfor -%}
        {%- for row in run_query('select distinct table_name from lake.day_files order by 1').rows -%}
            {%- do tables.append(row[0]) -%}
        {%- endfor -%}
    {%- endif -%}

    {#- The day is set first: the contract is checked on the query as it will run. -#}
    {% call statement('first_day') -%}
        set variable charge_date = date '{{ days[0][0] if days else '1970-01-01' }}'
    {%- endcall %}
    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(sql) }}
    {%- endif -%}

    {%- set files = [] -%}
    {%- set new = [] -%}
    {%- for day, day_hash in days -%}
        {%- set file = stem ~ '-' ~ day ~ '-' ~ day_hash ~ '.parquet' -%}
        {%- do files.append("'" ~ file ~ "'") -%}
        {%- if file not in built -%}
            {%- do new.append(day) -%}
            {%- do log('building ' ~ this.identifier ~ ', ' ~ day) -%}
            {% call statement('day') -%}
                {{ look_at_day(day, tables) }}
            {%- endcall %}
            {% call statement('copy') -%}
                copy ({{ sql }}) to '{{ file }}'
                (format parquet, compression zstd, compression_level 1, use_tmp_file true)
            {%- endcall %}
        {%- endif -%}
    {%- endfor -%}
    {%- if new -%}
        {% call statement('all_days') -%}
            {{ look_at_all_days(tables) }}
        {%- endcall %}
    {%- endif %}

    {% call statement('main') -%}
        create or replace view {{ target_relation }} as
        {% if files -%}
            select * from read_parquet(list_filter(
                [{{ files | join(', ') }}],
                lambda file: coalesce(contains(file, cast(getvariable('facts_of') as varchar)), true)
            ))
        {%- else -%}
            select * from ({{ sql }}) where false
        {%- endif %}
    {%- endcall %}

    {{ run_hooks(post_hooks) }}
    {% do persist_docs(target_relation, model) %}
    {% do adapter.commit() %}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{# Have the views of facts and of the lake's tables read only the files that a day needs: else what a
   day costs to build would grow with the files of all others. A reader sets none of these variables,
   and sees everything. A table without a file for the day shows one of another day, in which the
   models find nothing of theirs. #}
{% macro look_at_day(day, tables) -%}
    set variable charge_date = date '{{ day }}';
    set variable facts_of = '-{{ day }}-'
    {%- for table in tables %};
    set variable {{ table }}_files = (
        select coalesce(min(files) filter (where charge_date = date '{{ day }}'), min(files))
        from lake.day_files
        where table_name = '{{ table }}'
    )
    {%- endfor %}
{%- endmacro %}

{% macro look_at_all_days(tables) -%}
    reset variable facts_of
    {%- for table in tables %};
    reset variable {{ table }}_files
    {%- endfor %}
{%- endmacro %}
