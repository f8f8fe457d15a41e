"""The guide's worked example is tried as it is printed."""

import csv
import importlib.util
import re
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import duckdb
import pytest

from connectors._base import Source, Window
from connectors._lake import Lake
from connectors._normalize import normalize

GUIDE = (Path(__file__).parents[1] / "docs" / "adding-a-connector.md").read_text()


def printed(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def polar(tmp_path: Path) -> ModuleType:
    file = tmp_path / "polar_usage.py"
    file.write_text(printed("python")[0])
    spec = importlib.util.spec_from_file_location("polar_usage", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    """What the vendor sends to."""
    folder = tmp_path / "polar"
    folder.mkdir()
    return folder


def test_the_guides_example_normalizes_its_sample_to_its_control_total(
    polar: ModuleType, sent: Path, tmp_path: Path
) -> None:
    sample, totals = printed("csv")
    (stated,) = csv.DictReader(totals.splitlines())
    (sent / "2026-10.csv").write_text(sample)
    lake, connector = Lake(tmp_path / "lake"), polar.CONNECTOR
    source = Source(stated["source"], str(sent), connector.options())
    for new_deliveries in (1, 0):
        report = lake.land(source, connector, Window("2026-10", "2026-10"))
        assert (len(report.landed), report.failures) == (new_deliveries, {})
        assert normalize(lake, source, connector) == {}
    (slot,) = lake.index().filter(table="charges").to_dicts()
    assert slot["delivered"][0]["rows"] == int(stated["rows"])
    costs = duckdb.read_parquet(str(lake.root / slot["file"])).project("billed_cost").fetchall()
    rounding = Decimal(slot["delivered"][0]["rounding"])
    assert sum((cost for (cost,) in costs), rounding) == Decimal(stated["billed_cost"])


def test_the_guides_example_says_what_is_wrong_with_a_file(
    polar: ModuleType, sent: Path, tmp_path: Path
) -> None:
    source = Source("polar", str(sent), polar.CONNECTOR.options())
    lake, file = Lake(tmp_path / "lake"), sent / "2026-10.csv"
    file.write_text(printed("csv")[0].replace("USD\n2026-10-02", "DOGE\n2026-10-02"))
    assert lake.land(source, polar.CONNECTOR, Window()).failures == {}
    assert normalize(lake, source, polar.CONNECTOR) == {
        "2026-10": "polar 2026-10: file 2026-10.csv, row 2: currency is 'DOGE'; allowed: USD, EUR"
    }
    file.write_text(printed("csv")[0][:-9])
    report = lake.land(source, polar.CONNECTOR, Window())
    assert report.failures == {"2026-10": "polar: 2026-10.csv is empty or cut off"}
