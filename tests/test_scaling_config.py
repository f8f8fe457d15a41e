"""What the configuration says of starting and stopping a pool's machines."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from company import ROOT
from configured import SOURCES, settings_of

from models.attribution import Scaling
from models.errors import ConfigError
from pipelines.config_tables import config_tables

POOLS = """
attribution:
  pools:
    - pool: chat
      minimum_replicas: 2
      scaling:
        cooldown_s: 600
        abandonment: {per_second: "0.02", low: "0.01", high: "0.035", grace_s: 3}
    - {pool: light}
"""


def test_a_pools_policy_becomes_a_row_and_what_it_does_not_say_has_defaults(tmp_path: Path) -> None:
    chat, light = config_tables(settings_of(tmp_path, SOURCES + POOLS))[
        "scaling_policies"
    ].to_dicts()

    assert chat == {
        "priority": 1,
        "pool": "chat",
        "minimum_replicas": 2,
        "cooldown_s": 600,
        "drain_s": 30,
        "warm_up_s": 300,
        "minimum_billing_s": 60,
        "per_second": Decimal("0.02"),
        "low": Decimal("0.01"),
        "high": Decimal("0.035"),
        "grace_s": 3,
        "valid_from": None,
        "valid_to": None,
    }
    assert (light["minimum_replicas"], light["cooldown_s"], light["per_second"]) == (0, 300, None)


def test_a_rate_outside_of_its_own_interval_is_refused(tmp_path: Path) -> None:
    text = SOURCES + POOLS.replace('high: "0.035"', 'high: "0.015"')
    with pytest.raises(ConfigError, match="low <= per_second <= high must hold"):
        settings_of(tmp_path, text)


def test_models_and_configuration_have_the_same_defaults() -> None:
    macro = (ROOT / "dbt" / "macros" / "scaling_policies.sql").read_text()
    defaults = dict(re.findall(r"'(\w+_s)': (\d+)", macro))

    assert {name: int(value) for name, value in defaults.items()} == Scaling().model_dump(
        exclude={"abandonment"}
    )
