"""Bills of vendors whose charges no trace shows: every module here writes those of one vendor.

A module has FOLDERS, the folders below data_samples that it owns, and `write(period, draws, out)`,
which fills them and returns a Total a billing period.
"""

import importlib
import pkgutil
import shutil
from pathlib import Path

from larkspur.company import Period
from larkspur.draws import Draws
from larkspur.totals import Total


def write_all(period: Period, draws: Draws, out: Path) -> list[Total]:
    """Writes the bills of every vendor here; returns what they say they delivered."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__))
    return [total for name in names for total in write_one(name, period, draws, out)]


def write_one(name: str, period: Period, draws: Draws, out: Path) -> list[Total]:
    """Writes the bills of one vendor, in the place of what its folders held."""
    module = importlib.import_module(f"{__name__}.{name}")
    for folder in module.FOLDERS:
        shutil.rmtree(out / folder, ignore_errors=True)
    totals: list[Total] = module.write(period, draws, out)
    return totals
