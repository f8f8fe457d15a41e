-- A table: every period's export reads it.
{{ config(materialized='table') }}
{{ entity_costs('feature') }}
