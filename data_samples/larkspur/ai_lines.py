"""What the models account buys of AWS: tokens of Bedrock, SageMaker, machines in every way."""

from collections.abc import Iterator
from decimal import Decimal

from .aws_lines import MODELS_ACCOUNT, Line, Offer, line, money, usage
from .aws_split import NODE_PRICE, split_node
from .company import DAY
from .draws import Draws

REGION = "us-east-1"
ROLE = f"arn:aws:sts::{MODELS_ACCOUNT}:assumed-role/larkspur-assist"
PROFILE = f"arn:aws:bedrock:{REGION}:{MODELS_ACCOUNT}:application-inference-profile/a1b2c3d4e5f6"
BLOCK = f"arn:aws:ec2:{REGION}:{MODELS_ACCOUNT}:capacity-reservation/cr-0b10c0000000000a1"
ON_DEMAND_RESERVATION = (
    f"arn:aws:ec2:{REGION}:{MODELS_ACCOUNT}:capacity-reservation/cr-0d00000000000000c"
)
RESERVATION = f"arn:aws:ec2:{REGION}:{MODELS_ACCOUNT}:reserved-instances/77aa51c0-1f6e"
UPFRONT = Decimal("0.025")  # dollars an hour of a year that is paid at once

# Model and meter, tokens a day, dollars a priced unit, of 1K tokens.
_AMAZON = (
    ("NovaPro-input-tokens", 1_900_000, "0.0008"),
    ("NovaPro-output-tokens", 210_000, "0.0032"),
    ("NovaPro-cache-read-input-token-count", 2_400_000, "0.0002"),
    ("NovaPro-cache-read-input-token-count-cross-region-global", 350_000, "0.00018"),
    ("NovaPro-cache-write-input-token-count", 160_000, "0"),
    ("Nova2.0Lite-input-tokens-flex", 900_000, "0.00003"),
    ("NovaMicro-input-tokens-batch", 3_100_000, "0.0000175"),
    ("gpt-oss-120b-output-tokens-priority", 40_000, "0.00105"),
)
# The same of 1M tokens.
_OPEN = (
    ("openai.gpt-oss-120b-mantle-input-tokens-standard", 700_000, "0.15"),
    ("openai.gpt-oss-120b-mantle-output-tokens-standard", 90_000, "0.60"),
)
_SONNET, _OPUS = "Claude Sonnet 4.5", "Claude Opus 5"
# Model, meter, tokens a day, dollars a million, how the description names them.
_MARKETPLACE = (
    (_SONNET, "InputTokenCount", 310_000, "3.3", "Million Input Tokens Regional"),
    (_SONNET, "OutputTokenCount", 52_000, "16.5", "Million Response Tokens Regional"),
    (_SONNET, "CacheReadInputTokenCount_Global", 820_000, "0.3", "Million Cache Read Tokens"),
    (_SONNET, "CacheWriteInputTokenCount_Global", 95_000, "3.75", "Million Cache Write Tokens"),
    (_SONNET, "CacheWrite1hInputTokenCount", 12_000, "6.6", "Million 1h Cache Write Tokens"),
    (_OPUS, "input_tokens_global_standard", 41_000, "5", "Million Input Tokens Global"),
    (_OPUS, "cache_write_tokens_30m_standard", 7_000, "7.5", "Million 30m Cache Write Tokens"),
    (_OPUS, "output_tokens_batch", 18_000, "12.5", "Million Output Tokens Batch"),
)
_PRODUCT_CODES = {_SONNET: "9x4kq2vd7c1mzt0h3ybnpf85w", _OPUS: "2rj8w5sge0yq6ha1uxkc9m4vt"}
# What is no token of a bucket: pictures, text units, units of another platform.
_OTHER = (
    ("NovaCanvas-T2I-1024-Standard", "Images", "0.04", 3),
    ("Guardrail-ContentPolicyUnitsConsumed", "TextUnits", "0.00015", 900),
)
_CCU = Decimal("0.01")

_MACHINES = (
    ("Host:ml.g4dn.xlarge", "0.7364", "endpoint/rerank", Decimal(8), "1"),
    ("Notebk:ml.t3.medium", "0.05", "notebook-instance/scratch", Decimal("2.5"), "0"),
)
_TRAINING = ("Train:ml.p3.2xlarge", "3.825", "training-job/triage-2026-10", Decimal("1.75"), "1")


def daily_lines(day: int, number: int, draws: Draws) -> Iterator[Line]:
    """The lines of one day, the `number`th of the period."""
    yield from _bedrock(day, draws)
    yield from _bedrock_of_others(day, draws)
    machines = [*_MACHINES, _TRAINING] if number == 6 else _MACHINES
    for kind, price, resource, hours, gpus in machines:
        yield _sagemaker(day, kind, price, resource, hours, gpus)
    yield _reserved(day)
    if number == 12:
        yield from _capacity_block(day)
    if number == 15:
        yield from _reserved_capacity(day)
    if number == 20:
        yield from split_node(day, *_box("BoxUsage", "p3.16xlarge", str(NODE_PRICE), "8"))


def _tags(team: str, principal: str = "") -> Line:
    """The same tag in both columns, and whose call it was in the newer one."""
    newer = {"resourceTags/Team": team, "accountTag/stage": "production"}
    if principal:
        newer["iamPrincipal/owner"] = principal
    return {"resource_tags": {"user_team": team}, "tags": newer}


def _tokens(day: int, draws: Draws, meter: str, tokens: int) -> int:
    return tokens * (80 + draws.number(meter, day) % 41) // 100


def _priced(offer: Offer) -> Line:
    sku = "".join(c for c in offer.usage_type.upper() if c.isalnum())[-16:]
    return {"product_sku": sku, "pricing_rate_code": f"{sku}.JRTCKXETXF.6YS6EN2CT7"}


def _bedrock(day: int, draws: Draws) -> Iterator[Line]:
    caller: Line = {"line_item_iam_principal": f"{ROLE}/replies"}
    for unit, size, meters in (("1K tokens", 1_000, _AMAZON), ("1M tokens", 1_000_000, _OPEN)):
        for meter, tokens, price in meters:
            text = f"${price} per {unit} of {meter}"
            sold = Offer("AmazonBedrock", f"USE1-{meter}", "Converse", Decimal(price), unit, text)
            quantity = Decimal(_tokens(day, draws, meter, tokens)) / size
            columns = {**caller, **_tags("assist", "replies"), **_priced(sold)}
            yield usage(sold, PROFILE, day, day + DAY, quantity, **columns)
    for meter, unit, price, count in _OTHER:
        sold = Offer("AmazonBedrock", f"USE1-{meter}", "", Decimal(price), unit, f"${price} each")
        # Two tags of a resource whose keys differ in a capital only.
        colliding: Line = {"tags": {"resourceTags/Team": "assist", "resourceTags/team": "Assist"}}
        units = Decimal(count + draws.number(meter, day) % 5)
        yield usage(sold, None, day, day + DAY, units, **colliding, **_priced(sold))


def _bedrock_of_others(day: int, draws: Draws) -> Iterator[Line]:
    """Models that AWS Marketplace sells, by the million as 'Units'; and units of a platform."""
    for model, meter, tokens, price, text in _MARKETPLACE:
        sold = Offer(
            _PRODUCT_CODES[model],
            f"USE1-MP:USE1_{meter}-Units",
            "Usage",
            Decimal(price),
            "Units",
            f"AWS Marketplace software usage|{REGION}|{text}",
        )
        quantity = Decimal(_tokens(day, draws, model + meter, tokens)) / 1_000_000
        product = {"product_name": f"{model} (Amazon Bedrock Edition)", "region": REGION}
        columns = _by_marketplace("Anthropic, PBC") | _tags("knowledge", "digest")
        caller = f"{ROLE}/digest"
        yield usage(
            sold,
            None,
            day,
            day + DAY,
            quantity,
            product=product,
            line_item_iam_principal=caller,
            **columns,
            **_priced(sold),
        )
    platform = Offer("4claudeplatform0aws", "CCU", "Usage", _CCU, "Units", "Consumption units")
    units = Decimal(30 + draws.number("ccu", day) % 20)
    product = {"product_name": "Claude Platform on AWS"}
    columns = _by_marketplace("Anthropic, PBC")
    yield usage(platform, None, day, day + DAY, units, product=product, **columns)


def _by_marketplace(seller: str) -> Line:
    return {"bill_billing_entity": "AWS Marketplace", "line_item_legal_entity": seller}


def _sagemaker(day: int, kind: str, price: str, resource: str, hours: Decimal, gpus: str) -> Line:
    name = kind.partition(":")[2]
    sold = Offer(
        "AmazonSageMaker",
        f"USE1-{kind}",
        "RunInstance",
        Decimal(price),
        "Hrs",
        f"${price} per hour for {name} in US East (N. Virginia)",
    )
    arn = f"arn:aws:sagemaker:{REGION}:{MODELS_ACCOUNT}:{resource}"
    product = {"gpu": gpus, "product_name": "Amazon SageMaker", "instance_type": name}
    columns = {**_tags("knowledge"), **_priced(sold)}
    return usage(
        sold, arn, day, day + DAY, hours, product=product, product_instance_type=name, **columns
    )


def _reserved(day: int) -> Line:
    """A gateway that runs 18 hours a day on a year that was paid at once."""
    sold = Offer(
        "AmazonEC2",
        "BoxUsage:t3.medium",
        "RunInstances",
        Decimal("0.0416"),
        "Hrs",
        "t3.medium reserved instance applied",
    )
    columns = {**_tags("platform"), **_priced(sold)}
    applied = usage(sold, "i-0a17e0000000000b2", day, day + DAY, Decimal(18), **columns)
    return applied | {
        "line_item_line_item_type": "DiscountedUsage",
        "line_item_unblended_cost": money(Decimal(0)),
        "line_item_unblended_rate": "0",
        "pricing_term": "Reserved",
        "reservation_effective_cost": money(UPFRONT * 18),
        "reservation_reservation_a_r_n": RESERVATION,
    }


def _box(kind: str, instance: str, price: str, gpus: str) -> tuple[Offer, Line]:
    text = f"${price} per {kind} {instance} Instance Hour"
    sold = Offer(
        "AmazonEC2", f"USE1-{kind}:{instance}", "RunInstances", Decimal(price), "Hrs", text
    )
    product: Line = {
        "product": {"gpu": gpus, "product_name": "Amazon Elastic Compute Cloud"},
        "product_instance_type": instance,
        **_priced(sold),
    }
    return sold, product


def _capacity_block(day: int) -> Iterator[Line]:
    """A day of a machine, bought weeks ahead for one fee; its hours then cost nothing more."""
    yield line(
        "Fee",
        day,
        day + DAY,
        Decimal("99.36"),
        line_item_product_code="AmazonEC2",
        line_item_usage_type="USE1-CapacityBlockFee:p5.4xlarge",
        line_item_operation="RunInstances",
        line_item_resource_id=BLOCK,
        line_item_usage_amount=Decimal(1),
        line_item_line_item_description="Capacity Block fee, 1 p5.4xlarge, 24 hours",
    )
    sold, product = _box("BoxUsage", "p5.4xlarge", "0", "1")
    yield usage(
        sold,
        "i-0b10c0000000000a1",
        day,
        day + DAY,
        Decimal(24),
        **product,
        **_tags("platform"),
    )


def _reserved_capacity(day: int) -> Iterator[Line]:
    """A machine that is kept free for us a day long, and is ours for 18 hours of it."""
    uses = (
        ("BoxUsage", "i-0d00000000000000c", 18),
        ("UnusedBox", ON_DEMAND_RESERVATION, 6),
    )
    for kind, resource, hours in uses:
        sold, product = _box(kind, "g6.xlarge", "0.8048", "1")
        yield usage(
            sold,
            resource,
            day,
            day + DAY,
            Decimal(hours),
            **product,
        )
