"""What a source of business tables may configure."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors._base import Options

TableName = Literal[
    "customers", "revenue", "operation_values", "service_levels", "evaluations", "owners"
]


class Database(BaseModel):
    """A database to ask. `dsn_env` names the variable with the connection string of Postgres."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["sqlite", "duckdb", "postgres"]
    dsn_env: str | None = None

    @model_validator(mode="after")
    def _check_dsn(self) -> Self:
        if (self.type == "postgres") != (self.dsn_env is not None):
            raise ValueError(
                "type postgres needs dsn_env, the name of the environment variable that holds the "
                "connection string"
                if self.type == "postgres"
                else f"dsn_env is for postgres; the file of {self.type} is the source's location"
            )
        return self


class BusinessOptions(Options):
    """`queries` has the SQL that answers with the rows of a table, in the database's own words."""

    database: Database | None = None
    queries: Mapping[TableName, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_queries(self) -> Self:
        if bool(self.database) != bool(self.queries):
            raise ValueError("database and queries belong together: where to ask, and what")
        return self
