"""The check that Dagster shows beside the exports: our rules on the FOCUS files."""

import dagster as dg

from pipelines.metadata import sentences
from pipelines.steps import check_focus_rules


def build_focus_check() -> dg.AssetChecksDefinition:
    """Return the check of the exported charges. It warns and stops nothing: a vendor's own costs
    may break a rule, and are exported as they are."""

    @dg.asset_check(
        asset=["exports", "finance"],
        name="focus_rules",
        description="The exported FOCUS charges of all months keep our rules on money.",
        required_resource_keys={"run"},
    )
    def focus_rules(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        failures = check_focus_rules(context.resources.run)
        return dg.AssetCheckResult(
            passed=not failures, severity=dg.AssetCheckSeverity.WARN, metadata=sentences(failures)
        )

    return focus_rules
