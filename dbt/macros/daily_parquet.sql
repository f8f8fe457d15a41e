{# The day that a daily model builds. Unit tests override it. #}
{% macro charge_date() -%}
    cast(getvariable('charge_date') as date)
{%- endmacro %}

{# Whether a row is of the days that a daily model of many days (meta={'is_of_days': true}) builds. #}
{% macro is_of_days(column) -%}
    {{ column }} between {{ charge_date() }} and {{ last_date() }}
{%- endmacro %}

{% macro last_date() -%}
    greatest({{ charge_date() }}, cast(getvariable('last_date') as date))
{%- endmacro %}

{# Whether a row is of the month that a monthly model builds; outside of a build, every row is. #}
{% macro is_of_period(period) -%}
    coalesce({{ period }} = cast(getvariable('period') as varchar), true)
{%- endmacro %}

{# One Parquet file a day: <lake>/facts/<model>-<day>-<hash of the day's inputs>.parquet. A day whose
   file exists is not built again: no watermark, nothing to forget. The relation is a view on
   exactly the files of the current inputs. COPY writes the file without a table in between.
   A model whose days depend on less than all inputs says on which: meta={'day_hash': 'attempts_hash'}.
   Of few rows, planning a query takes longer than running it: a model that says meta={'is_of_days': true}, and
   has is_of_days() where others have charge_date(), builds several small days in one query. Its rows of a day
   must be made from that day's only; meta={'day': …} says whose a row is that has no charge_date, and
   'rows_at_once' up to how many delivered rows are few.
   While a day is built, views show no other day's files: see look_at_days. Who asks for all days opens a
   file a quarter, of the newest quarter a file a month, of the newest month its days: a year of days is 365
   files. A model with as many rows as there are attempts says meta={'grain': 'attempt'}: its days are large
   enough. #}
{% materialization daily_parquet, adapter='duckdb', supported_languages=['sql'] %}
    {{ run_hooks(pre_hooks) }}
    {%- set relation = build_parts('int_day_inputs', 'charge_date', look_at_days) -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [relation]}) }}
{% endmaterialization %}

{# The same, a file a month: <model>-<month>-<hash>.parquet, of the days that int_period_inputs names.
   The query says with is_of_period() which rows are of its month. #}
{% materialization monthly_parquet, adapter='duckdb', supported_languages=['sql'] %}
    {{ run_hooks(pre_hooks) }}
    {%- set relation = build_parts('int_period_inputs', 'period', look_at_period) -%}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [relation]}) }}
{% endmaterialization %}

{# Build the files that are missing of the parts that `inputs` has; return the view on all. `look_at` is
   the macro that has views show only what a part needs. #}
{% macro build_parts(inputs, key, look_at) -%}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set stem = var('lake') ~ '/facts/' ~ this.identifier -%}
    {%- set meta = config.get('meta', {}) -%}
    {%- set hash = meta.get('day_hash', 'costs_hash') -%}
    {%- set parts = parts_of(inputs, key, hash, stem) -%}
    {%- set missing = [] -%}
    {%- set tables = [] -%}
    {%- if execute -%}
        {%- set size = 'rows' if meta.get('is_of_days') else 'null' -%}
        {%- set columns = [key, 'file', size] | join(', ') -%}
        {%- set query = 'select ' ~ columns ~ ' from (' ~ parts ~ ') as parts where not is_built order by 1' -%}
        {%- for row in run_query(query).rows -%}
            {%- do missing.append(row.values()) -%}
        {%- endfor -%}
        {%- for row in run_query('select distinct table_name from lake.day_files order by 1').rows -%}
            {%- do tables.append(row[0]) -%}
        {%- endfor -%}
    {%- endif -%}

    {#- The part is set first: the contract is checked on the query as it will run. -#}
    {%- if missing -%}
        {% call statement('first_part') -%}
            {{ look_at([missing[0][0]], tables) }}
        {%- endcall %}
    {%- endif -%}
    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(sql) }}
    {%- endif -%}

    {%- set day = meta.get('day', key) -%}
    {%- set options = '(format parquet, compression zstd, compression_level 1, use_tmp_file true)' -%}
    {%- for batch in in_batches(missing, meta.get('rows_at_once', 100000)) -%}
        {%- for part, file, size in batch -%}
            {%- do log('building ' ~ this.identifier ~ ', ' ~ part) -%}
        {%- endfor -%}
        {% call statement('part') -%}
            {{ look_at(batch | map('first') | list, tables) }};
            {%- if batch | length == 1 %}
            copy ({{ sql }}) to '{{ batch[0][1] }}' {{ options }}
            {%- else %}
            create or replace temp table {{ this.identifier }}_of_days as {{ sql }};
            {%- for part, file, size in batch %}
            copy (from {{ this.identifier }}_of_days where {{ day }} = '{{ part }}') to '{{ file }}' {{ options }};
            {%- endfor %}
            drop table {{ this.identifier }}_of_days
            {%- endif %}
        {%- endcall %}
    {%- endfor %}
    {% call statement('all_parts') -%}
        {{ look_at_everything(tables) }}
    {%- endcall %}

    {%- set files = build_spans(parts, key, stem, options) -%}
    {%- set place = (stem | length + 2) ~ ', ' ~ (10 if key == 'charge_date' else 7) %}
    {%- set in_days = key == 'charge_date' and meta.get('grain') == 'attempt' %}
    {% call statement('main') -%}
        create or replace view {{ target_relation }} as
        {% if key == 'charge_date' and files -%}
            {# The day of the file's name: files of other days than what is asked for are not opened. -#}
            select *
            {%- if in_days %} exclude (filename) replace (
                cast(substr(filename, {{ place }}) as date) as charge_date
            )
            {%- endif %}
            from read_parquet(if(
                getvariable('facts_of') is null,
                [{{ files }}],
                list_transform(
                    cast(getvariable('facts_of') as map(varchar, varchar)[]),
                    lambda day: '{{ stem }}-' || day['{{ hash }}'] || '.parquet'
                )
            ){{ ', filename = true' if in_days }})
        {%- elif files -%}
            select * from read_parquet(if(
                getvariable('period') is null,
                [{{ files }}],
                list_filter([{{ files_of(parts) }}], lambda file: {{ is_of_period('substr(file, ' ~ place ~ ')') }})
            ))
        {%- else -%}
            select * from ({{ sql }}) where false
        {%- endif %}
    {%- endcall %}
    {% do persist_docs(target_relation, model) %}
    {% do adapter.commit() %}
    {{ return(target_relation) }}
{%- endmacro %}

{# The query of the parts that `inputs` has, with the file of each, and whether it stood when the run began. #}
{% macro parts_of(inputs, key, hash, stem) -%}
    select
        inputs.*,
        {{ hash }} as part_hash,
        '{{ stem }}-' || {{ key }} || '-' || {{ hash }} || '.parquet' as file,
        file in ({{ built_files(stem) }}) as is_built
    from {{ ref(inputs) }} as inputs
{%- endmacro %}

{# The model's files that stood when the run began: of all, a year has ten thousand. #}
{% macro built_files(stem) -%}
    select fact_files.file from lake.fact_files where starts_with(fact_files.file, '{{ stem }}-')
{%- endmacro %}

{# The files of a query of parts, as SQL has a list of them. #}
{% macro files_of(parts) -%}
    {%- if execute -%}
        {%- set query = "select string_agg('''' || file || '''', ', ' order by file) from (" ~ parts ~ ")" -%}
        {{ return(run_query(query).rows[0][0]) }}
    {%- endif -%}
{%- endmacro %}

{# Of parts (name, file, rows) in their order, lists of those that one query builds: a part whose rows are NULL
   stands alone, others stand together as long as their rows are few. #}
{% macro in_batches(parts, most) -%}
    {%- set batches = [] -%}
    {%- set last = namespace(rows=none) -%}
    {%- for part in parts -%}
        {%- if part[2] is none or last.rows is none or last.rows + part[2] > most -%}
            {%- do batches.append([part]) -%}
            {%- set last.rows = part[2] -%}
        {%- else -%}
            {%- do batches[-1].append(part) -%}
            {%- set last.rows = last.rows + part[2] -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(batches) }}
{%- endmacro %}

{# Copy what ends in a quarter before the newest, or in a month of that before its newest, into one file; return
   what to read of everything. The name has the hash of the parts' hashes, as pipelines/warehouse.py works it
   out, too. What is newest, or alone, stays in its own files. #}
{% macro build_spans(parts, key, stem, options) -%}
    {%- if config.get('meta', {}).get('grain') == 'attempt' or not execute -%}
        {{ return(files_of(parts)) }}
    {%- endif -%}
    {%- set spans -%}
        select
            files,
            if(
                parts = 1 or last_date = max(last_date) over (),
                null,
                '{{ stem }}-' || span || '-' || part_hash || '.parquet'
            ) as span_file,
            span_file in ({{ built_files(stem) }}) as is_built
        from (
            select
                span,
                count(*) as parts,
                max(last_date) as last_date,
                md5(string_agg(part_hash, ',' order by last_date, part_hash)) as part_hash,
                string_agg('''' || file || '''', ', ' order by last_date, part_hash) as files
            from (
                select
                    *,
                    {{ "(period || '-01')::date" if key == 'period' else 'charge_date' }} as last_date,
                    if(
                        date_trunc('quarter', last_date) < date_trunc('quarter', max(last_date) over ()),
                        strftime(last_date, '%Y-Q') || quarter(last_date),
                        strftime(last_date, '%Y-%m')
                    ) as span
                from ({{ parts }}) as parts
            ) as parts
            group by span
        ) as spans
        order by last_date
    {%- endset -%}
    {%- set read = [] -%}
    {%- for files, span_file, is_built in run_query(spans).rows -%}
        {%- if span_file and not is_built -%}
            {% call statement('span') -%}
                copy (select * from read_parquet([{{ files }}])) to '{{ span_file }}' {{ options }}
            {%- endcall %}
        {%- endif -%}
        {%- do read.append("'" ~ span_file ~ "'" if span_file else files) -%}
    {%- endfor -%}
    {{ return(read | join(', ')) }}
{%- endmacro %}

{# Have the views of facts and of the lake's tables read only the files that days need: else what a
   day costs to build would grow with the files of all others. A reader sets none of these variables,
   and sees everything. A table without a file for the days shows one of another day, in which the
   models find nothing of theirs. #}
{% macro look_at_days(days, tables) -%}
    {%- set dates = "date '" ~ days | join("', date '") ~ "'" -%}
    set variable charge_date = date '{{ days[0] }}';
    set variable last_date = date '{{ days[-1] }}';
    set variable facts_of = (
        select list(files order by charge_date) from {{ ref('int_day_inputs') }} where charge_date in ({{ dates }})
    )
    {%- for table in tables %};
    set variable {{ table }}_files = (
        select coalesce(
            list_sort(list_distinct(flatten(list(files) filter (where charge_date in ({{ dates }}))))),
            min(files)
        )
        from lake.day_files
        where table_name = '{{ table }}'
    )
    {%- endfor %}
{%- endmacro %}

{# The same for a month: the facts of its days. #}
{% macro look_at_period(periods, tables) -%}
    {%- set period = periods[0] -%}
    set variable period = '{{ period }}';
    set variable facts_of = (select files from {{ ref('int_period_inputs') }} where period = '{{ period }}')
{%- endmacro %}

{% macro look_at_everything(tables) -%}
    reset variable period;
    reset variable pairs;
    reset variable last_date;
    reset variable facts_of
    {%- for table in tables %};
    reset variable {{ table }}_files
    {%- endfor %}
{%- endmacro %}
