from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from landed_source import LandedSource

from connectors.business import CONNECTOR
from models.business import BUSINESS
from models.errors import ConfigError

CUSTOMERS = "customer_id,plan,valid_from,valid_to"
REVENUE = "customer_id,product,revenue_from,revenue_to,currency,amount"
LEVELS = "feature,measure,target_ms,objective"
SCORES = "evaluated_at,evaluator,inference_id,attempt_id,score,is_passed"


@pytest.fixture
def business(tmp_path: Path) -> LandedSource:
    return LandedSource(tmp_path, CONNECTOR)


def save(business: LandedSource, path: str, *lines: str) -> None:
    business.save(path, "".join(f"{line}\n" for line in lines))


def failure(business: LandedSource, path: str, *lines: str) -> str:
    save(business, path, *lines)
    (sentence,) = business.failures().values()
    assert "\n" not in sentence
    return sentence


def test_each_file_is_a_table_and_an_empty_field_is_unknown(business: LandedSource) -> None:
    save(
        business,
        "customers.csv",
        CUSTOMERS,
        "c-1,gold,2026-10-01,2026-11-01",
        "c-1,silver,,2026-10-01",
    )
    save(business, "revenue.csv", REVENUE, "c-1,,2026-10-01,2026-11-01,EUR,99.000000000001")
    one, other = business.rows("customers")
    assert (one["customer_id"], one["plan"], one["valid_from"]) == (
        "c-1",
        "gold",
        date(2026, 10, 1),
    )
    assert (other["valid_from"], other["valid_to"]) == (None, date(2026, 10, 1))
    assert (other["region"], other["x_file"], other["x_row"]) == (None, "customers.csv", 2)
    (revenue,) = business.rows("revenue")
    assert (revenue["amount"], revenue["currency"]) == (Decimal("99.000000000001"), "EUR")
    assert (revenue["revenue_to"], revenue["product"]) == (date(2026, 11, 1), None)
    assert business.rows("owners") == []
    assert sum(total[0]["rows"] for total in business.lake.index()["delivered"] if len(total)) == 3


def test_scores_are_of_an_inference_or_an_attempt_and_may_come_in_many_files(
    business: LandedSource,
) -> None:
    save(business, "evaluations.csv", SCORES, "2026-10-01T02:00:00+02:00,judge,op-1,,0.5,")
    save(business, "evaluations/2026-10-02.csv.gz", SCORES, "2026-10-02,judge,,t:s,,No")
    rows = sorted(business.rows("evaluations"), key=lambda row: row["evaluated_at"])
    assert [(row["inference_id"], row["attempt_id"]) for row in rows] == [
        ("op-1", None), (None, "t:s"),
    ]  # fmt: skip
    assert [(row["score"], row["is_passed"]) for row in rows] == [
        (Decimal("0.5"), None),
        (None, False),
    ]
    assert rows[0]["evaluated_at"] == datetime(2026, 10, 1)


def test_parquet_is_read_whatever_its_types(business: LandedSource) -> None:
    duckdb.sql(
        "select 'team' as entity, 'search' as entity_value, 'ann' as owner, 17 as cost_center, "
        "timestamp '2026-10-01' as valid_from"
    ).write_parquet(str(business.folder / "owners.parquet"))
    duckdb.sql(
        "select 'c' as customer_id, date '2026-10-01' as revenue_from, date '2026-10-02' as "
        "revenue_to, 'USD' as currency, 0.1::double as amount"
    ).write_parquet(str(business.folder / "revenue.parquet"))
    (owner,) = business.rows("owners")
    assert (owner["cost_center"], owner["valid_from"]) == ("17", date(2026, 10, 1))
    (revenue,) = business.rows("revenue")
    assert revenue["amount"] == Decimal("0.1")


@pytest.mark.parametrize(
    ("path", "header", "row", "sentence"),
    [
        ("customers.csv", CUSTOMERS, ",gold,,", "customer_id is empty; allowed: a value"),
        ("customers.csv", CUSTOMERS, "c,gold,1.10.2026,",
         "valid_from is '1.10.2026'; allowed: a date such as 2026-10-01"),
        ("customers.csv", CUSTOMERS, "c,gold,2026-10-02,2026-10-02",
         "valid_to is '2026-10-02'; allowed: a date after valid_from: valid_to is the first day "
         "that is left out"),
        ("revenue.csv", REVENUE, "c,,2026-10-01,2026-11-01,usd,1",
         "currency is 'usd'; allowed: an ISO 4217 code such as USD"),
        ("revenue.csv", REVENUE, 'c,,2026-10-01,2026-11-01,USD,"1,5"',
         "amount is '1,5'; allowed: a number such as 12.50"),
        ("revenue.csv", REVENUE, "c,,2026-10-01,2026-11-01,USD,nan",
         "amount is 'nan'; allowed: a number such as 12.50"),
        ("service_levels.csv", LEVELS, "f,ttft,100,",
         "measure is 'ttft'; allowed: time_to_first_token, duration"),
        ("service_levels.csv", LEVELS, "f,duration,1.5,",
         "target_ms is '1.5'; allowed: a whole number"),
        ("service_levels.csv", LEVELS, "f,duration,100,95",
         "objective is '95'; allowed: a part of all requests, above 0 and up to 1"),
        ("evaluations.csv", SCORES, "2026-10-01,j,op,t:s,1,",
         "inference_id is 'op'; allowed: one of inference_id and attempt_id in every row"),
        ("evaluations.csv", SCORES, "2026-10-01,j,op,,,",
         "score is empty; allowed: a score, is_passed, or both"),
        ("evaluations.csv", SCORES, "2026-10-01,j,op,,,maybe",
         "is_passed is 'maybe'; allowed: true or false"),
        ("owners.csv", "entity,entity_value,owner", "squad,a,b",
         "entity is 'squad'; allowed: customer, feature, workflow, team, model, environment, pool, "
         "source"),
        ("operation_values.csv", "currency,value", "USD,-1",
         "value is '-1'; allowed: a number that is not below 0"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_a_sentence_with_its_file_row_and_column(
    business: LandedSource, path: str, header: str, row: str, sentence: str
) -> None:
    assert failure(business, path, header, row) == f"file {path}, row 1: {sentence}"


@pytest.mark.parametrize(
    ("path", "lines", "sentence"),
    [
        ("customers.csv",
         (CUSTOMERS, "a,x,2026-10-01,", "b,x,,", "a,y,2026-09-01,2026-10-02"),
         "rows 1 and 3: both are of customer_id 'a' on 2026-10-01; end one of them by valid_to"),
        ("customers.csv", (CUSTOMERS, "a,x,2026-10-01,", "a,y,,2026-10-01", "a,z,,2026-01-01"),
         "rows 2 and 3: both are of customer_id 'a' on 0001-01-01; end one of them by valid_to"),
        ("revenue.csv",
         (REVENUE, "a,p,2026-10-01,2026-11-01,USD,1", "a,q,2026-10-01,2026-11-01,USD,1",
          "a,p,2026-10-31,2026-11-02,USD,1"),
         "rows 1 and 3: both are of customer_id 'a', product 'p', currency 'USD' on 2026-10-31; "
         "end one of them by revenue_to"),
        ("evaluations.csv", (SCORES, "2026-10-01,j,op,,1,", "2026-10-01,j,op,,0,"),
         "rows 1 and 2: both are of evaluated_at '2026-10-01', evaluator 'j', inference_id 'op'; "
         "one of them came twice"),
    ],
)  # fmt: skip
def test_what_overlaps_is_a_sentence_with_both_rows(
    business: LandedSource, path: str, lines: tuple[str, ...], sentence: str
) -> None:
    assert failure(business, path, *lines) == f"file {path}, {sentence}"


def test_one_currency_beside_another_is_no_overlap(business: LandedSource) -> None:
    month = "2026-10-01,2026-11-01"
    save(business, "revenue.csv", REVENUE, f"a,p,{month},USD,1", f"a,p,{month},EUR,-1")
    assert [row["amount"] for row in business.rows("revenue")] == [1, -1]


def test_a_wrong_table_stops_no_other_and_leaves_its_last_good_rows(
    business: LandedSource,
) -> None:
    save(business, "customers.csv", CUSTOMERS, "a,x,,")
    assert [row["plan"] for row in business.rows("customers")] == ["x"]
    save(business, "owners.csv", "entity,entity_value,owner", "team,a,b")
    assert failure(business, "customers.csv", CUSTOMERS, "a,y,never,").startswith("file customers")
    assert [row["plan"] for row in business.current("customers")] == ["x"]
    assert len(business.current("owners")) == 1


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (("customer_id,colour", "a,b"), "customers.csv: column colour is not known; allowed: "),
        (("plan", "x"), "customers.csv: column customer_id is missing; found plan"),
    ],
)
def test_columns_are_those_of_the_table(
    business: LandedSource, lines: tuple[str, ...], sentence: str
) -> None:
    assert failure(business, "customers.csv", *lines).startswith(sentence)


def test_a_name_that_is_no_tables_is_refused_and_so_are_two_files_of_a_table(
    business: LandedSource,
) -> None:
    save(business, "customer.csv", CUSTOMERS)
    with pytest.raises(
        ConfigError, match=r"customer\.csv is the file of no table; allowed: custom"
    ):
        business.failures()
    (business.folder / "customer.csv").unlink()
    save(business, "customers.csv", CUSTOMERS)
    save(business, "customers.csv.gz", CUSTOMERS)
    with pytest.raises(ConfigError, match=r"are both of customers; keep one of them"):
        business.failures()


def test_every_table_that_a_business_has_can_be_sent() -> None:
    assert set(CONNECTOR.inputs) == {table.name for table in BUSINESS}
