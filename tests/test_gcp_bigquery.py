"""GCP's billing export in BigQuery itself: which partitions are read, and when.

Google's own SDKs over sockets, against `bigquery_server`.
"""

from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from bigquery_server import BigQuery
from bigquery_table import LOCATION
from gcp_rows import CONNECTOR, Gcp, credit, exported, set_today
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors._base import Window
from models.errors import FetchError

pytest_plugins = ["bigquery_fixtures"]


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


amounts = st.decimals(min_value=-1000, max_value=1000, places=6, allow_nan=False)


@settings(max_examples=3, deadline=None)
@given(
    costs=st.lists(st.tuples(amounts, st.sampled_from(["02", "03", "04"])), min_size=1, max_size=8)
)
def test_any_split_of_the_rows_into_partitions_has_the_same_total(
    bigquery_server: BigQuery, costs: list[tuple[Decimal, str]]
) -> None:
    bigquery_server.reset()
    for cost, day in costs:
        bigquery_server.load(f"2026-11-{day}", exported(str(cost)))
    with TemporaryDirectory() as folder:
        gcp = Gcp(Path(folder), LOCATION, **bigquery_server.options())

        # Doubles on the wire: their shortest text is what was meant.
        assert gcp.landed() == sum(cost for cost, _ in costs)
