"""The check that Dagster shows beside the exports: our rules on the FOCUS files."""

import dagster as dg

from pipelines.focus_rules import check_files
from pipelines.logs import LOGGER
from pipelines.metadata import sentences
from pipelines.run import Run


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
        run: Run = context.resources.run
        failures = broken_rules(run)
        for sentence in failures:
            LOGGER.warning("exports: %s", sentence)
        return dg.AssetCheckResult(
            passed=not failures, severity=dg.AssetCheckSeverity.WARN, metadata=sentences(failures)
        )

    return focus_rules


def broken_rules(run: Run) -> tuple[str, ...]:
    """Return a sentence for each rule that the newest exports do not keep."""
    pointers = sorted(run.settings.exports.glob("*/latest"))
    folders = [pointer.parent / pointer.read_text(encoding="utf-8").strip() for pointer in pointers]
    files = [folder / "focus_1_4.parquet" for folder in folders]
    files = [file for file in files if file.exists()]
    findings = check_files(files).findings if files else ()
    return tuple(
        f"{finding.rule.id} does not hold in {finding.rows} rows, such as {finding.example}"
        for finding in findings
    )
