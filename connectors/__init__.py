"""Connectors: one file a vendor format. Every module here without a leading underscore is one."""

import importlib
import pkgutil
from functools import cache

from connectors._base import Connector


@cache
def all_connectors() -> dict[str, Connector]:
    """Return every connector by name, read from the modules of this folder."""
    modules = (
        importlib.import_module(f"connectors.{module.name}")
        for module in pkgutil.iter_modules(__path__)
        if not module.name.startswith("_")
    )
    return {module.CONNECTOR.name: module.CONNECTOR for module in modules}
