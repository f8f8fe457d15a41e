"""The guide's worked example of a map is tried as it is printed."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from invoice_maps import Mapped

from connectors._maps.macros import MACROS
from connectors.invoice_mapping._api import PLACEHOLDERS, Api
from connectors.invoice_mapping._check import check_map
from connectors.invoice_mapping._map import Map
from models.errors import ContractError

GUIDE = (Path(__file__).parents[1] / "docs" / "mapping-an-invoice.md").read_text()


def printed(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def polar(tmp_path: Path) -> Mapped:
    polar = Mapped(tmp_path, yaml.safe_load(printed("yaml")[1]))
    check_map(polar.map_)
    return polar


def test_the_guides_map_reads_its_invoice(polar: Mapped) -> None:
    (invoice,) = printed("csv")
    columns = "charge_category, billed_cost, list_cost, x_charge_kind, x_billed_milliseconds"
    assert polar.send("polar-2026-10.csv", invoice).rows(columns) == [
        ("Usage", 1160, 1160, "capacity", 261_000_000),
        ("Usage", Decimal("14.88"), Decimal("14.88"), None, None),
        ("Credit", -10, -10, None, None),
        ("Tax", Decimal("16.53"), Decimal("16.53"), None, None),
    ]
    ends = polar.rows("charge_period_end::date::varchar")
    assert ends == ["2026-11-01", "2026-11-01", "2026-10-06", "2026-11-01"]


def test_the_guides_map_says_where_the_invoice_does_not_add_up(polar: Mapped) -> None:
    invoice = printed("csv")[0].replace("14.88", "14.89")
    with pytest.raises(ContractError) as said:
        polar.quickly("billed_cost", invoice)
    assert str(said.value) == (
        "the rows add up to 1181.42, but control_total.pattern states 1181.41"
    )


def test_the_guides_api_is_one() -> None:
    api: Any = yaml.safe_load(printed("yaml")[2])["api"]
    assert [request.name for request in Api.model_validate(api).requests] == ["invoices", "lines"]


def test_the_guide_names_every_key_function_and_placeholder() -> None:
    keys = {field.alias or name for name, field in Map.model_fields.items()}
    named = {*keys, *PLACEHOLDERS, *(name for name in MACROS if not name.startswith("_"))}
    # What a divisor is made with.
    named.remove("shifted")
    assert {name for name in named if not re.search(rf"\b{name}\b", GUIDE)} == set()
