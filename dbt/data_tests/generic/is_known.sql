{# Every row of a day that is not as published has a value. #}
{% test is_known(model, column_name) %}
-- depends_on: {{ ref('int_day_inputs') }}
select {{ column_name }}
from {{ model }}
where {{ is_new('charge_date') }} and {{ column_name }} is null
{% endtest %}
