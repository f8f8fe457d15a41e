{# A grain: no two rows with the same values in these columns. #}
{% test is_unique_on(model, columns) %}
select {{ columns | join(', ') }}, count(*) as rows
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
