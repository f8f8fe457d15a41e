"""The job `transform` ends with a page about each of the last two periods."""

import dagster as dg

from pipelines.metadata import markdown_table
from pipelines.run import Run

_PERIODS = 2


def build_report_asset() -> dg.AssetsDefinition:
    """Return the pages that people read: made after finance's files, from the same warehouse."""

    @dg.asset(
        key=["exports", "report"],
        deps=[["exports", "finance"]],
        description="One page about each of the last two periods: report.html beside its exports.",
        group_name="exports",
        required_resource_keys={"run"},
    )
    def report(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        # Two seconds to import: only where a page is drawn.
        from pipelines.report import write_reports

        run: Run = context.resources.run
        with run.step("report"):
            files = write_reports(run.settings, _PERIODS)
        pages: list[list[object]] = [[str(file)] for file in files]
        return dg.MaterializeResult(metadata={"pages": markdown_table(["page"], pages)})

    return report
