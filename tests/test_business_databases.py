import sqlite3
import subprocess
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import pytest
from landed_source import LandedSource
from postgres_server import run_postgres
from pydantic import ValidationError

from connectors.business import CONNECTOR, BusinessOptions, _database
from models.errors import ConfigError, FetchError

REVENUE = (
    "select account as customer_id, begins as revenue_from, ends as revenue_to, "
    "'USD' as currency, amount from invoice;"
)
INVOICES = """
    create table invoice (account text, begins date, ends date, amount {money});
    insert into invoice values ('b', '2026-10-01', '2026-11-01', 19.99);
    insert into invoice values ('a', '2026-10-01', '2026-11-01', {amount});
"""


def needs(extension: str) -> pytest.MarkDecorator:
    package = f"duckdb_extension_{extension}"
    return pytest.mark.skipif(
        find_spec(package) is None, reason=f"{package} is not installed: pip install it"
    )


def asking(root: Path, kind: str, location: str, **options: Any) -> LandedSource:
    given = {"database": kind, "queries": {"revenue": REVENUE}} | options
    if kind == "postgres":
        given["dsn_env"] = "CRM_DSN"
    return LandedSource(root, CONNECTOR, given, location)


@pytest.fixture
def duckdb_file(tmp_path: Path) -> Path:
    file = tmp_path / "crm.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(INVOICES.format(money="decimal(30, 14)", amount="0.12345678901250"))
    return file


def amounts(asked: LandedSource) -> dict[str, Decimal]:
    return {row["customer_id"]: row["amount"] for row in asked.rows("revenue")}


def test_a_duckdb_file_is_asked_and_its_answer_kept_as_parquet(
    tmp_path: Path, duckdb_file: Path
) -> None:
    asked = asking(tmp_path, "duckdb", str(duckdb_file))
    assert amounts(asked) == {"a": Decimal("0.123456789012"), "b": Decimal("19.99")}
    (row, _) = asked.rows("revenue")
    assert (row["revenue_from"], row["x_file"]) == (date(2026, 10, 1), "revenue.parquet")
    assert row["x_delivery_id"].startswith("mine/revenue/")


def test_asking_again_lands_a_new_version_only_where_the_answer_changed(
    tmp_path: Path, duckdb_file: Path
) -> None:
    asked = asking(tmp_path, "duckdb", str(duckdb_file))
    for _ in range(2):
        asked.rows("revenue")
    (versions,) = asked.lake.manifests("mine").values()
    assert len(versions) == 1
    with duckdb.connect(str(duckdb_file)) as connection:
        connection.execute("update invoice set amount = 20 where account = 'b'")
    assert amounts(asked)["b"] == 20
    with duckdb.connect(str(duckdb_file)) as connection:
        connection.execute("update invoice set amount = 19.99 where account = 'b'")
    assert amounts(asked)["b"] == Decimal("19.99")
    (versions,) = asked.lake.manifests("mine").values()
    assert len(versions) == 2


@needs("sqlite_scanner")
def test_sqlite_is_asked(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "crm.db") as connection:
        connection.executescript(INVOICES.format(money="real", amount="0.1"))
    asked = asking(tmp_path, "sqlite", str(tmp_path / "crm.db"))
    assert amounts(asked) == {"a": Decimal("0.1"), "b": Decimal("19.99")}


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with run_postgres() as dsn:
        script = INVOICES.format(money="numeric", amount="123456789012.123456789012")
        subprocess.run(["psql", "-q", dsn, "-c", script], check=True)
        yield dsn


@needs("postgres_scanner")
def test_postgres_is_asked_and_its_numerics_never_become_floats(
    tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_DSN", postgres)
    asked = asking(tmp_path, "postgres", "postgresql://crm")
    assert amounts(asked) == {"a": Decimal("123456789012.123456789012"), "b": Decimal("19.99")}


@needs("postgres_scanner")
def test_a_database_that_cannot_be_reached_is_a_sentence_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_DSN", "host=127.0.0.1 port=1 user=crm password=hush")
    asked = asking(tmp_path, "postgres", "postgresql://crm")
    with pytest.raises(FetchError, match=r"mine: the database cannot be opened: ") as error:
        asked.failures()
    assert "hush" not in str(error.value)


@needs("postgres_scanner")
def test_what_postgres_says_of_a_query_is_a_sentence(
    tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_DSN", postgres)
    asked = asking(tmp_path, "postgres", "postgresql://crm", queries={"owners": "select * from o"})
    with pytest.raises(ConfigError, match=r'mine: queries\.owners: .*"o" does not exist'):
        asked.failures()


def test_a_variable_that_is_not_set_is_named(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.delenv("CRM_DSN", raising=False)
    monkeypatch.setattr(_database, "_load_extension", lambda *_: None)
    with pytest.raises(ConfigError, match="environment variable CRM_DSN is not set"):
        asking(tmp_path, "postgres", "postgresql://crm").failures()


def test_an_extension_that_is_missing_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_database, "find_spec", lambda name: None)
    monkeypatch.setitem(_database._EXTENSIONS, "sqlite", "nowhere_scanner")
    package = rf"package duckdb-extension-nowhere-scanner=={duckdb.__version__} brings it"
    with pytest.raises(ConfigError, match=package):
        asking(tmp_path, "sqlite", str(tmp_path / "crm.db")).failures()


def test_a_query_that_is_wrong_names_its_table(tmp_path: Path, duckdb_file: Path) -> None:
    asked = asking(tmp_path, "duckdb", str(duckdb_file), queries={"owners": "select 1 from no"})
    with pytest.raises(ConfigError, match=r"mine: queries\.owners: Catalog Error: .*no"):
        asked.failures()


def test_a_query_cannot_change_the_database(tmp_path: Path, duckdb_file: Path) -> None:
    asked = asking(tmp_path, "duckdb", str(duckdb_file), queries={"owners": "drop table invoice"})
    with pytest.raises(ConfigError, match=r"mine: queries\.owners: Parser Error"):
        asked.failures()
    with duckdb.connect(str(duckdb_file)) as connection:
        assert connection.execute("select count(*) from invoice").fetchone() == (2,)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"database": "sqlite"}, "database and queries belong together"),
        ({"queries": {"revenue": "select 1"}}, "database and queries belong together"),
        ({"database": "postgres", "queries": {"revenue": "x"}}, "postgres needs dsn_env"),
        ({"database": "duckdb", "dsn_env": "X", "queries": {"revenue": "x"}},
         "dsn_env is for postgres; other files are the source's location"),
        ({"database": "duckdb", "queries": {"sales": "x"}}, "queries.sales"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        BusinessOptions.model_validate(options)
