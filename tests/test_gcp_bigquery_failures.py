"""What can go wrong with GCP's billing export in BigQuery, and what is said then."""

from pathlib import Path

import pytest
from bigquery_server import BigQuery, serve
from bigquery_table import DATASET, LOCATION, PROJECT, TABLE
from gcp_rows import Gcp, exported

from models.errors import ConfigError, FetchError

pytest_plugins = ["bigquery_fixtures"]


@pytest.fixture
def gcp(bigquery: BigQuery, tmp_path: Path) -> Gcp:
    return Gcp(tmp_path, LOCATION, **bigquery.options())


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
