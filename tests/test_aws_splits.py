"""Split cost allocation: weights beside the node's own row, never money."""

from decimal import Decimal
from pathlib import Path

import pytest
from aws_exports import Normalized, line, normalized, write_cur2

from connectors.aws_cur2 import CONNECTOR

SAMPLES = Path(__file__).parents[1] / "data_samples"
NODE = "i-0f16e0000000000a1"
POD = "arn:aws:eks:us-east-1:111122223333:pod/prod/serving/chat-0/8f14e45f"
TASK = "arn:aws:ecs:us-east-1:111122223333:task/jobs/2c624232cdd2"


def split(kind: str, resource: str | None = POD, **columns: str) -> dict[str, object]:
    return line(
        line_item_unblended_cost="0.9",
        line_item_operation="EKSPod-EC2",
        line_item_resource_id=resource,
        line_item_usage_type=f"USE1-EKS-EC2-{kind}",
        pricing_unit=kind,
        split_line_item_parent_resource_id=NODE,
        split_line_item_split_cost="0.504",
        split_line_item_unused_cost="0.1",
        split_line_item_actual_usage="1",
        split_line_item_reserved_usage="2",
        split_line_item_split_usage="2",
        **columns,
    )


def test_a_pod_has_a_weight_a_kind_and_no_charge(tmp_path: Path) -> None:
    kinds = ("vCPU-Hours", "GB-Hours", "Accelerator-Hours")
    result = normalized(
        tmp_path, CONNECTOR, write_cur2(tmp_path / "export", [line(), *map(split, kinds)])
    )
    assert result.billed() == 1
    rows = result.rows("split_costs")
    assert [row["split_kind"] for row in rows] == ["cpu", "memory", "accelerator"]
    assert [row["quantity_unit"] for row in rows] == list(kinds)
    for row in rows:
        assert row["resource_id"] == NODE
        assert (row["cluster"], row["namespace"], row["pod"], row["pod_uid"]) == (
            "prod",
            "serving",
            "chat-0",
            "8f14e45f",
        )
        weights = (row["split_weight"], row["unused_weight"])
        assert weights == (Decimal("0.504"), Decimal("0.1"))
        used = (row["usage_quantity"], row["reserved_quantity"], row["used_quantity"])
        assert used == (2, 2, 1)


def test_a_task_and_a_pod_without_a_node_are_kept(tmp_path: Path) -> None:
    task = split("vCPU-Hours", TASK) | {
        "line_item_operation": "ECSTask-EC2",
        "line_item_usage_type": "USE1-ECS-EC2-vCPU-Hours",
    }
    orphan = split("GB-Hours") | {
        "split_line_item_parent_resource_id": "",
        "split_line_item_split_cost": "0",
        "split_line_item_unused_cost": "",
    }
    result = normalized(
        tmp_path, CONNECTOR, write_cur2(tmp_path / "export", [line(), task, orphan])
    )
    first, second = result.rows("split_costs")
    assert (first["cluster"], first["pod"], first["namespace"]) == ("jobs", "2c624232cdd2", None)
    assert (second["resource_id"], second["split_weight"], second["unused_weight"]) == (
        None,
        0,
        None,
    )


def test_a_split_row_of_an_unknown_kind_is_shown_and_costs_nothing(tmp_path: Path) -> None:
    rows = [line(), split("Network-Hours"), split("Network-Hours"), split("GB-Hours", None)]
    result = normalized(tmp_path, CONNECTOR, write_cur2(tmp_path / "export", rows))
    assert result.failures == {}
    assert result.billed() == 1
    assert result.rows("split_costs") == []
    shown = [(row["value"], row["x_row"]) for row in result.rows("quarantine")]
    assert shown == [("USE1-EKS-EC2-Network-Hours", 2), ("USE1-EKS-EC2-GB-Hours", 4)]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Normalized:
    return normalized(tmp_path_factory.mktemp("models"), CONNECTOR, SAMPLES / "aws_ai")


def test_the_weights_of_a_nodes_pods_are_its_cost(models: Normalized) -> None:
    weights: dict[object, Decimal] = {}
    for row in models.rows("split_costs"):
        if row["resource_id"] == NODE:
            hour = row["charge_period_start"]
            whole = row["split_weight"] + row["unused_weight"]
            weights[hour] = weights.get(hour, Decimal(0)) + whole
    costs = {
        row["charge_period_start"]: row["effective_cost"]
        for row in models.rows()
        if row["resource_id"] == NODE
    }
    assert weights == costs
    assert len(costs) == 3


def test_awss_own_example_weighs_a_gpu_nine_vcpus_and_a_vcpu_nine_gigabytes(
    models: Normalized,
) -> None:
    """p3.16xlarge: 8 GPUs, 64 vCPU and 488 GB at $10 an hour."""
    unit = Decimal(10) / (8 * 9 + Decimal("0.1") * 488 + Decimal("0.9") * 64)
    price = {"accelerator": 9 * unit, "cpu": Decimal("0.9") * unit, "memory": unit / 10}
    rows = [row for row in models.rows("split_costs") if row["resource_id"] == NODE]
    assert {row["split_kind"] for row in rows} == set(price)
    for row in rows:
        greater = max(row["reserved_quantity"], row["used_quantity"])
        assert row["usage_quantity"] == greater
        assert abs(row["split_weight"] - greater * price[row["split_kind"]]) < Decimal("1e-9")
