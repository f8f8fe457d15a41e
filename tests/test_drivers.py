"""What the sample company's costs were for, by own arithmetic on the vendors' files."""

import csv
import json
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import yaml
from company import ROOT, Company
from configured import SOURCES, settings_of

from models.cost_drivers import COST_DRIVERS
from models.errors import ConfigError
from pipelines.config_tables import config_tables

SAMPLES = ROOT / "data_samples"
SEEDS = ROOT / "dbt" / "seeds"
MONTH = "2026-10"


@pytest.fixture(scope="module")
def marts(company: Company) -> duckdb.DuckDBPyConnection:
    return company.connect()


def seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def aws_lines(where: str, *columns: str) -> list[tuple[object, ...]]:
    """Rows of October's last delivery of AWS, as delivered."""
    folder = SAMPLES / "aws_cur2" / "data" / f"BILLING_PERIOD={MONTH}"
    last = max(path for path in folder.iterdir() if path.is_dir())
    names = ", ".join(f"{name}::varchar" for name in columns)
    return duckdb.sql(
        f"select {names} from read_parquet('{last}/*.parquet') where {where}"
    ).fetchall()


def total(rows: list[tuple[object, ...]]) -> Decimal:
    return sum((Decimal(str(row[0])) for row in rows), Decimal(0))


def openai_cost(kind: str) -> Decimal:
    folder = max((SAMPLES / "openai" / MONTH).iterdir())
    cost = Decimal(0)
    for file in folder.glob("costs-*.json"):
        for bucket in json.loads(file.read_text(), parse_float=Decimal)["data"]:
            for result in bucket["results"]:
                if result["line_item"].endswith(kind) and "embedding" not in result["line_item"]:
                    cost += Decimal(str(result["amount"]["value"]))
    return cost


def test_the_list_of_drivers_is_closed_and_the_same_everywhere() -> None:
    drivers = [row["cost_driver"] for row in seed("cost_drivers")]
    assert tuple(drivers) == COST_DRIVERS
    assert all(row["description"] for row in seed("cost_drivers"))
    assert {row["cost_driver"] for row in seed("cost_driver_rules")} < set(drivers)


def test_shipped_rules_and_names_are_lower_case_and_in_one_order() -> None:
    for name in ("cost_driver_rules", "accelerator_names"):
        rows = seed(name)
        priorities = [int(row["priority"]) for row in rows]
        assert priorities == sorted(set(priorities))
        globs = [
            value
            for row in rows
            for column, value in row.items()
            if column not in ("priority", "accelerator")
        ]
        assert globs == [value.lower() for value in globs]
    known = {row["accelerator"] for row in seed("accelerators")}
    assert {row["accelerator"] for row in seed("accelerator_names")} == known


def test_tokens_stand_apart_by_kind_as_the_vendor_bills_them(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    found = dict(
        marts.execute(
            "select cost_driver, sum(effective_cost) from marts.cost_drivers_daily "
            "where source = 'openai' and billing_period = ? group by all",
            [MONTH],
        ).fetchall()
    )
    assert found["tokens_input"] == openai_cost(", input")
    assert found["tokens_cache_read"] == openai_cost(", cached input")
    assert found["tokens_output"] == openai_cost(", output")
    assert set(found) == {"tokens_input", "tokens_cache_read", "tokens_output", "embeddings"}


def test_traffic_to_the_internet_is_a_line_of_its_own(marts: duckdb.DuckDBPyConnection) -> None:
    billed = total(
        aws_lines("line_item_usage_type like '%DataTransfer-Out-Bytes'", "line_item_unblended_cost")
    )
    row = marts.execute(
        "select effective_cost, gigabytes, cost_per_gigabyte, unmeasured_reason "
        "from marts.egress_costs where source = 'aws_prod' and billing_period = ?",
        [MONTH],
    ).fetchone()
    assert row is not None
    assert (row[0], row[1] is None) == (billed, row[3] is not None)
    assert (row[1] is None) == (row[2] is None)


def test_machines_told_apart_by_what_they_did_cost_what_their_bill_says(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    found = marts.execute(
        "select sum(effective_cost) from marts.cost_drivers_daily where source = 'aws_prod' "
        "and billing_period = ? and cost_driver in ('inference_compute_gpu', 'idle_capacity', "
        "'start_up', 'instance_uptime') and machine = 'gpu'",
        [MONTH],
    ).fetchone()
    machines = "line_item_usage_type like '%Box%' or line_item_usage_type like '%SpotUsage%'"
    covered = total(
        aws_lines(
            f"line_item_line_item_type = 'SavingsPlanCoveredUsage' and ({machines})",
            "savings_plan_savings_plan_effective_cost",
        )
    )
    others = total(
        aws_lines(
            f"line_item_line_item_type in ('Usage', 'Refund') and ({machines})",
            "line_item_unblended_cost",
        )
    )
    assert found is not None
    assert found[0] == covered + others


def test_a_savings_plan_is_used_unused_and_worth_what_it_saved(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    covered = "line_item_line_item_type = 'SavingsPlanCoveredUsage'"
    used = total(aws_lines(covered, "savings_plan_savings_plan_effective_cost"))
    listed = total(aws_lines(covered, "pricing_public_on_demand_cost"))
    fees = "line_item_line_item_type = 'SavingsPlanRecurringFee'"
    whole = total(
        aws_lines(fees, "savings_plan_amortized_upfront_commitment_for_billing_period")
    ) + total(aws_lines(fees, "savings_plan_recurring_commitment_for_billing_period"))
    row = marts.execute(
        "select used_cost, unused_cost, covered_list_cost, utilization, saved_cost, "
        "realised_discount from marts.commitments "
        "where source = 'aws_prod' and billing_period = ?",
        [MONTH],
    ).fetchone()
    assert row is not None
    assert row[0] == used
    assert abs(row[1] - (whole - used)) < Decimal("1e-6")  # fees are printed to 10 decimals
    assert (row[2], row[4]) == (listed, listed - row[0] - row[1])
    six = Decimal("0.000001")
    assert row[3] == (used / (row[0] + row[1])).quantize(six)
    assert row[5] == (1 - (row[0] + row[1]) / listed).quantize(six)


def test_spot_is_cheaper_than_the_same_machine_on_demand_by_what_the_bill_says(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    spot = aws_lines(
        "line_item_usage_type like '%SpotUsage:g6.xlarge'",
        "line_item_unblended_cost",
        "line_item_usage_amount",
    )
    cost = total(spot)
    on_demand = sum((Decimal(str(row[1])) for row in spot), Decimal(0)) * Decimal("0.8048")
    row = marts.execute(
        "select effective_cost, on_demand_cost_estimate, realised_discount_estimate, "
        "compared_with, interruptions from marts.spot_costs "
        "where source = 'aws_prod' and billing_period = ?",
        [MONTH],
    ).fetchone()
    assert row is not None
    assert row[0] == cost
    assert abs(row[1] / on_demand - 1) < Decimal("0.00001")
    assert abs(row[2] - (1 - cost / on_demand)) < Decimal("0.00001")
    assert row[3:] == ("the same bill", 1)


def test_an_hour_of_an_h100_costs_an_eighth_of_the_machine_with_eight(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    (row,) = marts.execute(
        "select cost_per_hour, is_outside_band from marts.accelerator_costs "
        "where source = 'aws_prod' and billing_period = ? and accelerator = 'H100' "
        "and purchase_kind = 'on demand'",
        [MONTH],
    ).fetchall()
    assert row == (Decimal("55.04") / 8, False)


def test_every_owner_is_one_that_the_business_names_or_a_team(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    with (SAMPLES / "business" / "owners.csv").open(newline="") as file:
        named = {row["owner"] for row in csv.DictReader(file)}
    owners = {row[0] for row in marts.sql("select owner from marts.owner_costs_daily").fetchall()}
    assert owners - {"(none)"} <= named
    assert "(none)" in owners


def test_a_tags_coverage_is_its_part_of_the_source(marts: duckdb.DuckDBPyConnection) -> None:
    tagged, effective = marts.execute(
        "select sum(tagged_cost), sum(effective_cost) from marts.tag_coverage_daily "
        "where source = 'aws_dev' and tag_key = 'user_environment'"
    ).fetchall()[0]
    charged = marts.execute(
        "select sum(effective_cost) filter (where tags is not null), sum(effective_cost) "
        "from intermediate.int_charges where source = 'aws_dev'"
    ).fetchone()
    assert (tagged, effective) == charged


def test_a_source_is_final_where_its_invoice_has_come(marts: duckdb.DuckDBPyConnection) -> None:
    rows = marts.sql(
        "select billing_period, complete_through::varchar, finality from marts.source_freshness "
        "where source = 'aws_prod' order by 1"
    ).fetchall()
    assert rows == [("2026-10", "2026-10-31", "final"), ("2026-11", "2026-11-03", "provisional")]


def attribution(**keys: object) -> str:
    return SOURCES + yaml.safe_dump({"attribution": keys})


def test_rules_of_drivers_and_paths_become_tables_in_their_order(tmp_path: Path) -> None:
    text = attribution(
        cost_drivers=[
            {"driver": "training", "when": {"source": "lambda"}},
            {
                "driver": "background_jobs",
                "when": {"tags": {"job": "*"}},
                "valid_from": "2026-01-01",
            },
        ],
        paths=[{"path": "warm", "when": {"workflow": "weekly_*"}}],
    )
    tables = config_tables(settings_of(tmp_path, text))
    first, second = tables["driver_rules"].to_dicts()
    assert (first["priority"], first["cost_driver"], first["when_source"]) == (
        1,
        "training",
        "lambda",
    )
    assert (second["priority"], second["when_tags"]) == (2, [{"key": "job", "value": "*"}])
    assert second["valid_from"].isoformat() == "2026-01-01"
    (path,) = tables["path_rules"].to_dicts()
    assert (path["path"], path["when_workflow"], path["when_feature"]) == ("warm", "weekly_*", None)


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"cost_drivers": [{"driver": "gpu", "when": {"source": "a"}}]}, "cost_drivers.0.driver"),
        ({"cost_drivers": [{"driver": "tax", "when": {}}]}, "at least one condition is needed"),
        ({"paths": [{"path": "warm", "when": {}}]}, "at least one entity is needed"),
        ({"paths": [{"path": "warm", "when": {"customer": "a"}}]}, "leave customer out"),
        ({"paths": [{"path": "tepid", "when": {"team": "a"}}]}, "paths.0.path"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused(
    tmp_path: Path, keys: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence.replace(".", r"\.")):
        settings_of(tmp_path, attribution(**keys))
