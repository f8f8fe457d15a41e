"""How AWS splits a node's cost among its pods, in rows that bill nothing: three a pod and hour."""

from collections.abc import Iterator
from decimal import Decimal

from .aws_lines import MODELS_ACCOUNT, Line, Offer, cost_of, line, money, usage
from .company import DAY, HOUR
from .draws import Draws

SPLIT_NODE = "i-0f16e0000000000a1"
# GPUs, vCPU and GB of the node; how many of a vCPU's cost each of them is worth.
_NODE = {"Accelerator": Decimal(8), "vCPU": Decimal(64), "GB": Decimal(488)}
_WEIGHTS = {"Accelerator": Decimal(9), "vCPU": Decimal("0.9"), "GB": Decimal("0.1")}
NODE_PRICE = Decimal(10)
# Pod: what it reserves and what it uses of each.
_PODS = {
    "rerank-0": {"Accelerator": (4, 4), "vCPU": (16, 20), "GB": (120, 90)},
    "embed-0": {"Accelerator": (3, 3), "vCPU": (24, 12), "GB": (200, 230)},
}


def split_node(day: int, sold: Offer, product: Line) -> Iterator[Line]:
    """Three hours of a node, each with its pods; and one pod whose node AWS does not name."""
    for hour in range(day + 9 * HOUR, day + 12 * HOUR, HOUR):
        node = usage(sold, SPLIT_NODE, hour, hour + HOUR, Decimal(1), **product)
        yield node
        yield from _pods(hour, cost_of(node))
        yield _pod(hour, "orphan-0", "vCPU", (1, 1), Decimal(0), Decimal(0)) | {
            "split_line_item_parent_resource_id": None
        }


def _pods(hour: int, cost: Decimal) -> Iterator[Line]:
    """Shares of what a pod reserves or uses, the greater; what nobody does, by those shares."""
    unit = cost / sum((_NODE[kind] * _WEIGHTS[kind] for kind in _NODE), Decimal(0))
    shares = {
        (pod, kind): max(amounts) * _WEIGHTS[kind] * unit
        for pod, kinds in _PODS.items()
        for kind, amounts in kinds.items()
    }
    split = {key: money(share) for key, share in shares.items()}
    unused = {
        kind: _NODE[kind] * _WEIGHTS[kind] * unit - sum(shares[pod, kind] for pod in _PODS)
        for kind in _NODE
    }
    rest = {
        (pod, kind): money(unused[kind] * share / sum(shares[p, kind] for p in _PODS))
        for (pod, kind), share in shares.items()
    }
    # What rounding left over is the last one's.
    last = max(rest)
    rest[last] += money(cost) - sum(split.values()) - sum(rest.values())
    for (pod, kind), share in split.items():
        yield _pod(hour, pod, kind, _PODS[pod][kind], share, rest[pod, kind])


def _pod(
    hour: int, pod: str, kind: str, amounts: tuple[int, int], split: Decimal, unused: Decimal
) -> Line:
    uid = Draws(hour // DAY).hexadecimal(32, pod)
    reserved, used = amounts
    return line(
        "Usage",
        hour,
        hour + HOUR,
        Decimal(0),
        line_item_product_code="AmazonEKS",
        line_item_usage_type=f"USE1-EKS-EC2-{kind}-Hours",
        line_item_operation="EKSPod-EC2",
        line_item_resource_id=(
            f"arn:aws:eks:us-east-1:{MODELS_ACCOUNT}:pod/larkspur-models/ranking/{pod}/{uid}"
        ),
        line_item_usage_amount=Decimal(max(amounts)),
        pricing_unit=f"{kind}-Hours",
        split_line_item_parent_resource_id=SPLIT_NODE,
        split_line_item_actual_usage=Decimal(used),
        split_line_item_reserved_usage=Decimal(reserved),
        split_line_item_split_usage=Decimal(max(amounts)),
        split_line_item_split_cost=split,
        split_line_item_unused_cost=unused,
        resource_tags={
            "aws_eks_cluster_name": "larkspur-models",
            "aws_eks_namespace": "ranking",
            "aws_eks_workload_name": pod.partition("-")[0],
            "aws_eks_workload_type": "Deployment",
        },
    )
