"""The models account's CUR 2.0: daily, Parquet, with discount rows and every kind of AI line.

Its owner turned on manual discount compatibility: a private discount of 3 % stands in rows of its
own, and in the net columns once more. October is delivered twice; the second time it is final.
"""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from larkspur.ai_lines import RESERVATION, UPFRONT, daily_lines
from larkspur.aws_bill import POD_OPERATIONS, Execution
from larkspur.aws_files import write_create_new_export
from larkspur.aws_lines import MODELS_ACCOUNT, Line, cost_of, line, money
from larkspur.company import DAY, HOUR, Period, month_bounds, month_of
from larkspur.cur_columns import CUR_COLUMNS
from larkspur.draws import Draws
from larkspur.totals import Total

FOLDERS = ("aws_ai",)
SOURCE, CONNECTOR = "aws_ai", "aws_cur2"
DISCOUNT, TAX = Decimal("0.03"), Decimal("0.07")
RESERVED_HOURS_A_DAY = 18
_COLUMNS = {
    **CUR_COLUMNS,
    "line_item_iam_principal": "string",
    "tags": "map<string,string>",
}


def write(period: Period, draws: Draws, out: Path) -> list[Total]:
    """Writes two deliveries of the first month and one of each other."""
    executions = list(_executions(period, draws))
    write_create_new_export(
        executions, out / FOLDERS[0], "larkspur-models", MODELS_ACCOUNT, _COLUMNS
    )
    latest = {execution.month: execution for execution in executions}
    return [_total(execution) for execution in latest.values()]


def _executions(period: Period, draws: Draws) -> Iterator[Execution]:
    days = list(range(period.start, period.end, DAY))
    months = sorted({month_of(day) for day in days})
    for index, month in enumerate(months):
        lines = {
            day: list(daily_lines(day, number, draws))
            for number, day in enumerate(days)
            if month_of(day) == month
        }
        end = month_bounds(month)[1]
        if index == 0:
            early = [row for day, rows in lines.items() for row in _early(day, rows, max(lines))]
            yield Execution(
                month, max(lines) + 20 * HOUR, None, _billed(month, early, None, period)
            )
        is_final = index < len(months) - 1
        invoice = f"E{month.replace('-', '')}0666" if is_final else None
        written = min(end + 2 * DAY, period.end) + 7 * HOUR
        delivered = [row for rows in lines.values() for row in rows]
        yield Execution(month, written, invoice, _billed(month, delivered, invoice, period))


def _early(day: int, rows: list[Line], last: int) -> list[Line]:
    """The last day half as it will be; on the third, one line too many."""
    if day == last:
        return [_half(row) for row in rows if row["line_item_line_item_type"] == "Usage"]
    return [*rows, rows[0]] if day == last - 28 * DAY else rows


def _half(row: Line) -> Line:
    halved = dict(row)
    for column in ("line_item_unblended_cost", "line_item_usage_amount"):
        value = row[column]
        assert isinstance(value, Decimal)
        halved[column] = money(value / 2)
    return halved


def _billed(month: str, lines: list[Line], invoice: str | None, period: Period) -> list[Line]:
    """Adds net costs, the discount's row, the reservation's fees and the tax."""
    start, end = month_bounds(month)
    reserved = [row for row in lines if row["line_item_line_item_type"] == "DiscountedUsage"]
    bought = [_fee(period)] if start == period.start else []
    rows = [*lines, *bought, _monthly_fee(start, end, len(reserved))]
    rows = [_net(row, invoice) for row in rows]
    discounted = sum((cost_of(row) for row in rows if not _is_marketplace(row)), Decimal(0))
    discount = line(
        "EdpDiscount",
        start,
        end,
        -discounted * DISCOUNT,
        line_item_net_unblended_cost=Decimal(0),
        line_item_line_item_description="Enterprise Program Discount",
    )
    taxed = sum((cost_of(row) for row in [*rows, discount]), Decimal(0))
    tax = line(
        "Tax",
        start,
        end,
        taxed * TAX,
        line_item_product_code="AmazonBedrock",
        line_item_tax_type="USSalesTax",
        line_item_line_item_description="Tax for product code AmazonBedrock",
    )
    return [*rows, discount, tax]


def _is_marketplace(row: Line) -> bool:
    return row.get("bill_billing_entity") == "AWS Marketplace"


def _net(row: Line, invoice: str | None) -> Line:
    if row.get("line_item_operation") in POD_OPERATIONS:
        return row
    if _is_marketplace(row):
        return row | {"bill_invoice_id": f"{invoice}M" if invoice else None}
    return row | {"line_item_net_unblended_cost": money(cost_of(row) * (1 - DISCOUNT))}


def _fee(period: Period) -> Line:
    return line(
        "Fee",
        period.start,
        period.start,
        UPFRONT * 8_760,
        bill_bill_type="Purchase",
        line_item_product_code="AmazonEC2",
        line_item_usage_amount=Decimal(1),
        line_item_line_item_description="Sign up charge for subscription: 77aa51c0",
        reservation_reservation_a_r_n=RESERVATION,
    )


def _monthly_fee(start: int, end: int, days: int) -> Line:
    unused = days * (24 - RESERVED_HOURS_A_DAY)
    return line(
        "RIFee",
        start,
        end - 1_000,
        Decimal(0),
        line_item_product_code="AmazonEC2",
        line_item_usage_type="HeavyUsage:t3.medium",
        line_item_usage_amount=Decimal((end - start) // HOUR),
        line_item_line_item_description="USD 0.0 hourly fee per Linux/UNIX, t3.medium instance",
        pricing_unit="Hrs",
        reservation_amortized_upfront_fee_for_billing_period=money(
            UPFRONT * ((end - start) // HOUR)
        ),
        reservation_reservation_a_r_n=RESERVATION,
        reservation_unused_amortized_upfront_fee_for_billing_period=money(UPFRONT * unused),
        reservation_unused_recurring_fee=Decimal(0),
    )


def _total(execution: Execution) -> Total:
    rows = [row for row in execution.lines if row.get("line_item_operation") not in POD_OPERATIONS]
    cost = sum((cost_of(row) for row in rows), Decimal(0))
    tax = sum(
        (cost_of(row) for row in rows if row["line_item_line_item_type"] == "Tax"), Decimal(0)
    )
    return Total(
        SOURCE,
        execution.month,
        len(execution.lines),
        cost,
        cost if execution.invoice_id else None,
        tax,
        connector=CONNECTOR,
        location=FOLDERS[0],
    )
