{# What can become of an attempt, beside being useful or rejected (which is never billed). #}
{% macro wasted_outcomes() -%}
    {{ return(['cancelled', 'failed', 'retried', 'looping']) }}
{%- endmacro %}

{# Whether an error says that the caller no longer waited: cancelled, CancelledError, context_canceled,
   client_closed_request, 499, AbortError. ABORTED of gRPC is a conflict: no such error. #}
{% macro is_cancelled(error_type) -%}
    coalesce(regexp_matches(lower({{ error_type }}), 'cancell?ed|^499$|client.?closed|aborterror|userabort'), false)
{%- endmacro %}
