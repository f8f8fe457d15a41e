"""The steps in order: Dagster's assets and jobs, the dbt run, the exports and the command line.

What a step does is a plain function (`transform`, `lake_tables`, `checks`, …); Dagster's
definitions and the command only call them.
"""
