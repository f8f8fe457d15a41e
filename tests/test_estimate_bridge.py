"""The estimate-to-invoice bridge of the sample company, against what was truly lost."""

from decimal import Decimal

from company import ROOT, Company

PARTS = ("estimated", "lost_telemetry", "unpriced", "price", "rounding", "unexplained")
PARTS += ("tax", "credit", "correction", "other")
TRUTH = ROOT / "data_samples" / "truth"


def test_the_parts_of_every_line_add_up_to_what_was_billed(company: Company) -> None:
    columns = ", ".join(f"coalesce({part}_cost, 0)" for part in PARTS)
    with company.connect() as warehouse:
        rows = warehouse.execute(
            f"select billed_cost, {columns} from marts.estimate_bridge"
        ).fetchall()
    assert len(rows) > 600
    assert [row for row in rows if row[0] != sum(row[1:], Decimal(0))] == []


def test_what_the_bridge_calls_lost_telemetry_is_what_left_no_usage(company: Company) -> None:
    with company.connect() as warehouse:
        found = warehouse.execute(
            "select sum(lost_telemetry_cost), sum(price_cost), sum(unexplained_cost), count(*) "
            "from marts.estimate_bridge where source = 'openai' and line_kind = 'tokens'"
        ).fetchone()
        truth = warehouse.execute(
            "select sum(true_direct_cost) from read_parquet(?) "
            "where not is_observed and model in ('gpt-5', 'gpt-5-mini', 'text-embedding-3-small')",
            [str(TRUTH / "attempts.parquet")],
        ).fetchone()
    assert found is not None
    assert truth is not None
    lost, price, unexplained, lines = found
    # The vendor prints six decimals: half of the last one a line.
    assert abs(lost - truth[0]) <= lines * Decimal("0.0000005")
    assert abs(price) <= lines * Decimal("0.0000005")
    assert unexplained == 0
