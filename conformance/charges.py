"""A small clean file of FOCUS charges, as a table."""

import duckdb

from conformance.clean import clean_rows
from connectors._sql import quoted
from pipelines.focus_rules import COLUMN_KINDS

_TYPES = {"text": "varchar", "number": "decimal(38, 12)", "time": "timestamp"}
# Of FOCUS 1.3 and 1.4; and of 1.2, which 1.4 no longer has.
LATER = (
    *("AllocatedMethodDetails", "AllocatedMethodId", "AllocatedResourceId"),
    *("AllocatedResourceName", "AllocatedTags", "CommitmentProgramEligibilityDetails"),
    *("ContractApplied", "HostProviderName", "InvoiceDetailId", "ServiceProviderName"),
)
EARLIER = ("ProviderName", "PublisherName")

_MONTH = {
    "BillingPeriodStart": "2026-10-01 00:00:00",
    "BillingPeriodEnd": "2026-11-01 00:00:00",
}
_ACCOUNT = {
    "BillingAccountId": "400000000001",
    "BillingAccountName": "Larkspur Desk",
    "BillingAccountType": "Payer",
    "BillingCurrency": "USD",
    "InvoiceId": "INV-2026-10",
    "InvoiceIssuerName": "Cumulus",
    "PricingCurrency": "USD",
    "ProviderName": "Cumulus",
    "PublisherName": "Cumulus",
    "ServiceProviderName": "Cumulus",
    "HostProviderName": "Cumulus",
    "SubAccountId": "400000000002",
    "SubAccountName": "production",
    "SubAccountType": "Linked",
    "x_Source": "cumulus",
    "x_DeliveryId": "cumulus/2026-10/1",
    "x_File": "october.parquet",
}


def create_charges(connection: duckdb.DuckDBPyConnection, table: str, version: str = "1.2") -> None:
    """Create a table of the clean charges in the columns of FOCUS 1.2 or 1.4."""
    left_out = LATER if version == "1.2" else EARLIER
    names = sorted(name for name in COLUMN_KINDS if name not in left_out)
    custom = {"x_DeliveryId": "varchar", "x_File": "varchar", "x_Model": "varchar"}
    custom |= {"x_Row": "bigint", "x_Source": "varchar"}
    types = {name: _TYPES[COLUMN_KINDS[name]] for name in names} | custom
    columns = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
    connection.execute(f"create or replace table {table} ({columns})")
    rows = [
        {**_MONTH, **_ACCOUNT, **row, "x_Row": number} for number, row in enumerate(clean_rows(), 1)
    ]
    for row in rows:
        _complete(row)
    lines = (", ".join(_literal(row.get(name)) for name in types) for row in rows)
    connection.execute(f"insert into {table} values {', '.join(f'({line})' for line in lines)}")


def _literal(value: object) -> str:
    return "null" if value is None else quoted(str(value))


def _complete(row: dict[str, object]) -> None:
    """Add what follows from the rest of a row."""
    row["PricingCurrencyEffectiveCost"] = row["EffectiveCost"]
    row["PricingCurrencyListUnitPrice"] = row.get("ListUnitPrice")
    row["PricingCurrencyContractedUnitPrice"] = row.get("ContractedUnitPrice")
    row.setdefault("ChargeDescription", f"{row['ServiceName']} of one hour")
    row["InvoiceDetailId"] = f"{row['InvoiceId']}/{row['ChargeCategory']}"
    row["Tags"] = '{"team":"assist","env":"production"}'
    if row["ChargeCategory"] == "Usage" and row.get("CommitmentDiscountType"):
        kind = row["CommitmentDiscountType"]
        row["CommitmentProgramEligibilityDetails"] = (
            f'{{"CommitmentPrograms":[{{"ProgramType":"{kind}"}}]}}'
        )
