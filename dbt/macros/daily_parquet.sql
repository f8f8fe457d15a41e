{# The day that a daily model builds. Unit tests override it. #}
{% macro charge_date() -%}
    cast(getvariable('charge_date') as date)
{%- endmacro %}

{# One Parquet file a day: <lake>/facts/<model>-<day>-<hash of the day's inputs>.parquet. A day whose
   file exists is not built again: no watermark, nothing to forget. The relation is a view on
   exactly the files of the current inputs. COPY writes the file without a table in between.
   A model whose days depend on less than all inputs says on which: meta={'day_hash': 'attempts_hash'}. #}
{% materialization daily_parquet, adapter='duckdb', supported_languages=['sql'] %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set stem = var('lake') ~ '/facts/' ~ this.identifier -%}
    {{ run_hooks(pre_hooks) }}

    {%- set days = [] -%}
    {%- set built = [] -%}
    {%- if execute -%}
        {%- set inputs = ref('int_day_inputs') -%}
        {%- set hash_column = config.get('meta', {}).get('day_hash', 'costs_hash') -%}
        {%- set days = run_query('select charge_date, ' ~ hash_column ~ ' from ' ~ inputs ~ ' order by 1').rows -%}
        {%- set found = run_query("select file from glob('" ~ stem ~ "-*.parquet')").rows -%}
        {%- for row in found -%}{%- do built.append(row[0]) -%}{%- endfor -%}
    {%- endif -%}

    {#- The day is set first: the contract is checked on the query as it will run. -#}
    {% call statement('first_day') -%}
        set variable charge_date = date '{{ days[0][0] if days else '1970-01-01' }}'
    {%- endcall %}
    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(sql) }}
    {%- endif -%}

    {%- set files = [] -%}
    {%- for day, day_hash in days -%}
        {%- set file = stem ~ '-' ~ day ~ '-' ~ day_hash ~ '.parquet' -%}
        {%- do files.append("'" ~ file ~ "'") -%}
        {%- if file not in built -%}
            {% call statement('day') -%}
                set variable charge_date = date '{{ day }}'
            {%- endcall %}
            {% call statement('copy') -%}
                copy ({{ sql }}) to '{{ file }}'
                (format parquet, compression zstd, compression_level 1, use_tmp_file true)
            {%- endcall %}
        {%- endif -%}
    {%- endfor -%}

    {% call statement('main') -%}
        create or replace view {{ target_relation }} as
        {% if files -%}
            select * from read_parquet([{{ files | join(', ') }}])
        {%- else -%}
            select * from ({{ sql }}) where false
        {%- endif %}
    {%- endcall %}

    {{ run_hooks(post_hooks) }}
    {% do persist_docs(target_relation, model) %}
    {% do adapter.commit() %}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
