"""What a source of business tables may configure."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from connectors._base import Options

TableName = Literal[
    "customers", "revenue", "operation_values", "service_levels", "evaluations", "owners"
]


class BusinessOptions(Options):
    """`queries` has the SQL that answers with the rows of a table, in the database's own words.

    `dsn_env` names the environment variable with the connection string of Postgres, never itself.
    """

    database: Literal["sqlite", "duckdb", "postgres"] | None = None
    dsn_env: str | None = None
    queries: Mapping[TableName, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_database(self) -> Self:
        if bool(self.database) != bool(self.queries):
            raise ValueError("database and queries belong together: where to ask, and what")
        if self.database == "postgres" and self.dsn_env is None:
            raise ValueError(
                "postgres needs dsn_env, the name of the environment variable that holds the "
                "connection string"
            )
        if self.database != "postgres" and self.dsn_env is not None:
            raise ValueError("dsn_env is for postgres; other files are the source's location")
        return self
