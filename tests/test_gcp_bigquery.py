"""GCP's billing export in BigQuery itself: which partitions are read, when, and what can go wrong.

Google's own SDKs over sockets, against `bigquery_server`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import google.api_core.retry.retry_unary
import pytest
from bigquery_server import BigQuery, serve
from bigquery_table import DATASET, LOCATION, PROJECT, TABLE
from gcp_rows import CONNECTOR, Gcp, credit, row
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import _http
from connectors._base import Window
from models.errors import ConfigError, FetchError


@pytest.fixture(scope="module")
def server() -> Iterator[BigQuery]:
    with serve() as bigquery:
        yield bigquery


@pytest.fixture
def bigquery(server: BigQuery, monkeypatch: pytest.MonkeyPatch) -> BigQuery:
    """A server with an empty table, on the fifth of November; no retry waits."""
    server.reset()
    monkeypatch.setattr(google.api_core.retry.retry_unary.time, "sleep", lambda seconds: None)
    set_today(monkeypatch, "2026-11-05")
    return server


def set_today(monkeypatch: pytest.MonkeyPatch, day: str) -> None:
    moment = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC)
    monkeypatch.setattr(_http, "now", lambda: moment)


def exported(cost: Any, at: str = "2026-11-03 10:00:00.000001 UTC", **more: Any) -> dict[str, Any]:
    return row(cost, export_time=at, **more)


@pytest.fixture
def gcp(bigquery: BigQuery, tmp_path: Path) -> Gcp:
    return Gcp(tmp_path, LOCATION, **bigquery.options())


def test_every_partition_is_read_once_and_its_rows_are_charges(
    bigquery: BigQuery, gcp: Gcp
) -> None:
    bigquery.load(
        "2026-10-05", *[exported(i, credits=[credit("DISCOUNT", -0.5)]) for i in range(5)]
    )
    bigquery.load("2026-11-03", exported("0.1"), exported("0.000001", invoice__month="202611"))

    assert gcp.billed() == Decimal("7.600001")
    assert gcp.billed() == Decimal("7.600001")

    assert bigquery.read_days == ["2026-10-05", "2026-11-03"]
    manifests = gcp.lake.manifests("gcp")
    assert [versions[-1].version for versions in manifests.values()] == [
        "2026-11-03T10:00:00.000001Z-5",
        "2026-11-03T10:00:00.000001Z-2",
    ]


def test_rows_of_one_partition_can_be_on_several_invoices(bigquery: BigQuery, gcp: Gcp) -> None:
    bigquery.load("2026-11-03", exported(1), exported(2, invoice__month="202611"))
    gcp.run()

    delivered = gcp.lake.index().filter(table="charges")["delivered"][0]
    amounts = {total["billing_period"]: Decimal(total["amount"]) for total in delivered}
    assert amounts == {"2026-10": 1, "2026-11": 2}


def test_a_partition_that_grew_is_read_anew_and_only_that_one(bigquery: BigQuery, gcp: Gcp) -> None:
    bigquery.load("2026-11-02", exported(1))
    bigquery.load("2026-11-03", exported(2))
    assert gcp.landed() == 3

    bigquery.load("2026-11-03", exported(-0.5, "2026-11-03 18:00:00 UTC"))

    assert gcp.landed() == Decimal("2.5")
    assert bigquery.read_days == ["2026-11-02", "2026-11-03", "2026-11-03"]


def test_a_partition_whose_rows_are_gone_counts_no_longer(bigquery: BigQuery, gcp: Gcp) -> None:
    bigquery.load("2026-11-02", exported(1))
    bigquery.load("2026-11-03", exported(2))
    assert gcp.billed() == 3

    bigquery.replace("2026-11-02")
    assert gcp.billed() == 2

    bigquery.load("2026-11-02", exported(1))
    assert gcp.billed() == 3


def test_an_older_state_that_arrives_late_does_not_win(bigquery: BigQuery, gcp: Gcp) -> None:
    before = bigquery.modified
    bigquery.load("2026-11-03", exported(2), exported(3))
    assert gcp.landed() == 5

    bigquery.replace("2026-11-03", exported(2))
    bigquery.modified = before

    assert gcp.landed() == 5


def test_the_last_days_are_looked_at_daily_and_all_days_once_a_month(
    bigquery: BigQuery, gcp: Gcp, monkeypatch: pytest.MonkeyPatch
) -> None:
    bigquery.load("2026-10-01", exported(1))
    bigquery.load("2026-11-03", exported(2))
    assert gcp.landed() == 3

    # A partition that was written anew long after its day.
    bigquery.load("2026-10-01", exported(40))
    bigquery.load("2026-11-04", exported(500, "2026-11-04 10:00:00 UTC"))
    assert gcp.landed() == 503
    assert given_first_days(bigquery) == ["1970-01-01", "2026-10-26"]

    set_today(monkeypatch, "2026-12-01")
    assert gcp.landed() == 543
    assert given_first_days(bigquery)[-1] == "1970-01-01"


def given_first_days(bigquery: BigQuery) -> list[str]:
    return [
        query["queryParameters"][0]["parameterValue"]["value"]
        for query in bigquery.queries()
        if query.get("maximumBytesBilled")
    ]


def test_a_first_run_that_broke_off_looks_at_all_days_again(bigquery: BigQuery, gcp: Gcp) -> None:
    bigquery.load("2026-09-01", exported(1))
    bigquery.load("2026-10-01", exported(2))
    bigquery.load("2026-11-03", exported(4))
    bigquery.fail_days = {"2026-10-01"}
    with pytest.raises(FetchError, match="the partition cannot be read now"):
        gcp.landed()
    assert list(gcp.lake.manifests("gcp")) == ["2026-09-01"]

    bigquery.fail_days = set()

    assert gcp.landed() == 7


def test_a_run_that_is_killed_during_a_download_ends_as_an_undisturbed_one(
    bigquery: BigQuery, gcp: Gcp, monkeypatch: pytest.MonkeyPatch
) -> None:
    bigquery.load("2026-11-03", exported(1), exported(2))

    def killed(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("connectors._lake.os.replace", killed)
        with pytest.raises(KeyboardInterrupt):
            gcp.run()
    assert gcp.lake.index().is_empty()

    assert gcp.billed() == 3
    assert gcp.billed() == 3


def test_a_window_reads_the_partitions_with_rows_on_its_invoices(
    bigquery: BigQuery, gcp: Gcp
) -> None:
    bigquery.load("2026-10-30", exported(1))
    bigquery.load("2026-11-01", exported(2))
    bigquery.load("2026-11-02", exported(4), exported(8, invoice__month="202611"))
    bigquery.load("2026-11-03", exported(16, invoice__month="202611"))

    gcp.lake.land(gcp.source, CONNECTOR, Window("2026-11", "2026-11"))

    assert bigquery.read_days == ["2026-11-02", "2026-11-03"]
    assert given_first_days(bigquery) == ["2026-11-01"]
    gcp.lake.land(gcp.source, CONNECTOR, Window("2026-10", "2026-10"))
    assert bigquery.read_days[2:] == ["2026-10-30", "2026-11-01"]


def test_a_stream_that_breaks_is_resumed_after_the_last_row(bigquery: BigQuery, gcp: Gcp) -> None:
    bigquery.load("2026-11-03", *[exported(1) for _ in range(9)])
    bigquery.break_after = 1

    assert gcp.landed() == 9
    assert bigquery.resumed_at == [2, 2]


def test_rows_that_do_not_arrive_are_noticed(bigquery: BigQuery, gcp: Gcp) -> None:
    bigquery.load("2026-11-03", *[exported(1) for _ in range(4)])
    bigquery.lose_rows = 1

    with pytest.raises(FetchError, match="partition 2026-11-03 has 4 rows, but 2 arrived"):
        gcp.landed()

    bigquery.lose_rows = 0
    assert gcp.landed() == 4


def test_a_partition_that_grows_while_it_is_read_has_the_version_of_what_came(
    bigquery: BigQuery, gcp: Gcp
) -> None:
    bigquery.load("2026-11-03", exported(1))
    bigquery.load_when_read = {"2026-11-03": [exported(2, "2026-11-03 11:00:00 UTC")]}

    assert gcp.landed() == 3
    assert gcp.landed() == 3
    assert bigquery.read_days == ["2026-11-03"]


@pytest.mark.parametrize(
    "failure",
    [("/jobs", 503, "backendError"), ("/tables/", 429, "rateLimitExceeded"),
     ("/queries/", 503, "backendError"), ("/jobs", 403, "rateLimitExceeded")],
)  # fmt: skip
def test_throttling_and_short_failures_are_waited_out(
    bigquery: BigQuery, gcp: Gcp, failure: tuple[str, int, str]
) -> None:
    bigquery.load("2026-11-03", exported(1))
    bigquery.failures = [failure]

    assert gcp.landed() == 1
    assert bigquery.failures == []


def test_a_query_that_would_read_too_much_is_not_run(bigquery: BigQuery, tmp_path: Path) -> None:
    bigquery.load("2026-11-03", *[exported(1) for _ in range(3)])
    gcp = Gcp(tmp_path, LOCATION, **bigquery.options(maximum_bytes_billed=59))

    with pytest.raises(ConfigError) as error:
        gcp.run()

    assert str(error.value) == (
        f"gcp: finding what changed in {PROJECT}.{DATASET}.{TABLE} would read 60 bytes, and "
        "maximum_bytes_billed allows 59; raise it, or ask for fewer days with recent_days or a "
        "period"
    )
    assert [query.get("maximumBytesBilled") for query in bigquery.queries()] == [None]


def test_bigquery_itself_is_told_the_limit(bigquery: BigQuery, tmp_path: Path) -> None:
    bigquery.load("2026-11-03", exported(1))
    # The table grew since the query was planned.
    bigquery.bytes_when_run = 10
    gcp = Gcp(tmp_path, LOCATION, **bigquery.options(maximum_bytes_billed=100))

    with pytest.raises(ConfigError, match="exceeded limit for bytes billed: 100"):
        gcp.run()


def test_queries_are_labelled_and_billed_to_the_configured_project(
    bigquery: BigQuery, tmp_path: Path
) -> None:
    bigquery.load("2026-11-03", exported(1))
    gcp = Gcp(tmp_path, LOCATION, **bigquery.options(billing_project="larkspur-finops"))
    bigquery.projects = {"larkspur-finops"}

    assert gcp.landed() == 1

    assert bigquery.parents == ["projects/larkspur-finops"]
    labels = [request["configuration"]["labels"] for request in bigquery.jobs()]
    assert labels == [{"application": "unitledger"}] * 2


@pytest.mark.parametrize("partitioning", [None, {"type": "HOUR"}, {"type": "DAY", "field": "day"}])
def test_a_table_without_ingestion_days_is_refused(
    bigquery: BigQuery, gcp: Gcp, partitioning: dict[str, str] | None
) -> None:
    bigquery.partitioning = partitioning

    with pytest.raises(ConfigError, match="has no partitions by the day of ingestion; allowed"):
        gcp.run()


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("bigquery://billing.export", "names no table; allowed: bigquery://project.dataset.table"),
        ("bigquery://p.d.t`; drop", "names no table"),
        (f"bigquery://{PROJECT}.{DATASET}.nothing", "Not found"),
    ],
)
def test_a_location_that_is_no_table_is_one_sentence(
    bigquery: BigQuery, tmp_path: Path, location: str, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence) as error:
        Gcp(tmp_path, location, **bigquery.options()).run()

    assert "\n" not in str(error.value)


def test_credentials_are_never_sent_in_clear(tmp_path: Path) -> None:
    gcp = Gcp(tmp_path, LOCATION, endpoint="http://bigquery.example")

    with pytest.raises(ConfigError, match=r"endpoint is http://bigquery\.example; allowed: https"):
        gcp.run()


def test_without_credentials_the_sdk_says_so_and_no_secret_is_kept(
    bigquery: BigQuery, gcp: Gcp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bigquery.load("2026-11-03", exported(1))
    gcp.landed()
    (manifest,) = tmp_path.rglob("manifest.json")
    assert set(gcp.lake.manifests("gcp")["2026-11-03"][-1].request) == {
        "table", "fields", "rows", "swept",
    }  # fmt: skip
    assert "127.0.0.1" not in manifest.read_text()

    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nothing.json"))
    with pytest.raises(ConfigError, match=r"nothing\.json was not found"):
        Gcp(tmp_path, LOCATION).run()


def test_columns_that_an_older_table_lacks_are_not_asked_for(tmp_path: Path) -> None:
    with serve(columns_left_out=("price", "tags", "consumption_model", "resource")) as older:
        older.load("2026-11-03", exported(3))
        gcp = Gcp(tmp_path, LOCATION, **older.options())

        (charge,) = gcp.charges()

    assert (charge["billed_cost"], charge["sku_price_id"]) == (3, "E5F0-6A5D-7BAD/0")
    fields = gcp.lake.manifests("gcp")["2026-11-03"][-1].request["fields"]
    assert "credits" in fields
    assert "price" not in fields


amounts = st.decimals(min_value=-1000, max_value=1000, places=6, allow_nan=False)


@settings(max_examples=3, deadline=None)
@given(
    costs=st.lists(st.tuples(amounts, st.sampled_from(["02", "03", "04"])), min_size=1, max_size=8)
)
def test_any_split_of_the_rows_into_partitions_has_the_same_total(
    server: BigQuery, costs: list[tuple[Decimal, str]]
) -> None:
    server.reset()
    for cost, day in costs:
        server.load(f"2026-11-{day}", exported(str(cost)))
    with TemporaryDirectory() as folder:
        gcp = Gcp(Path(folder), LOCATION, **server.options())

        # Doubles on the wire: their shortest text is what was meant.
        assert gcp.landed() == sum(cost for cost, _ in costs)
