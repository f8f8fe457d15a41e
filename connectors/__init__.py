"""Connectors: one file a vendor format, code or a map.

Every module here without a leading underscore is one, and so is every file of maps/.
"""

import importlib
import pkgutil
from functools import cache

from connectors._base import Connector


@cache
def all_connectors() -> dict[str, Connector]:
    """Return every connector by name, read from the modules and the maps of this folder."""
    modules = (
        importlib.import_module(f"connectors.{module.name}")
        for module in pkgutil.iter_modules(__path__)
        if not module.name.startswith("_")
    )
    written = {module.CONNECTOR.name: module.CONNECTOR for module in modules}
    mapped: dict[str, Connector] = importlib.import_module(
        "connectors.invoice_mapping"
    ).shipped_maps()
    return written | mapped
