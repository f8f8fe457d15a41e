"""What Dagster loads: `dagster dev` and `dagster definitions validate`."""

from pipelines.jobs import build_definitions
from pipelines.settings import load_settings

settings = load_settings()
# Written by `make dbt-parse`; without it the marts are one asset.
manifest = settings.dbt_project / "target" / "manifest.json"
defs = build_definitions(settings, manifest if manifest.exists() else None)
