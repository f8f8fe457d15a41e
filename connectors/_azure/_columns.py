"""The columns of Microsoft's own datasets, under all the names that they have been given.

EA writes TitleCase, MCA camelCase, the portal in other languages "Kosten (Cost)", subscriptions
without an agreement the names of 2015. Names are compared without case, spaces and signs.
"""

import re
from collections.abc import Iterable

from connectors._base import InputColumn

CHARGE_TYPES = (
    "Usage",
    "Purchase",
    "Refund",
    "Adjustment",
    "RoundingAdjustment",
    "Rounding Adjustment",
    "UnusedReservation",
    "UnusedSavingsPlan",
    "Tax",
    "Credit",
)
PRICING_MODELS = ("OnDemand", "On Demand", "Reservation", "SavingsPlan", "Savings Plan", "Spot")
FREQUENCIES = ("UsageBased", "Usage-Based", "Recurring", "OneTime", "One-Time")

COLUMNS = (
    # Said by the reader: which dataset a line is of, and whether its file has a column of invoices.
    InputColumn("dataset", required=True, allowed=("actual", "amortized")),
    InputColumn("states_invoices", required=True),
    InputColumn("cost", "money", required=True),
    InputColumn("billing_currency", required=True),
    InputColumn("date", "time", required=True),
    InputColumn("billing_period_start_date", "time"),
    InputColumn("billing_period_end_date", "time"),
    InputColumn("charge_type", allowed=CHARGE_TYPES),
    InputColumn("pricing_model", allowed=PRICING_MODELS),
    InputColumn("frequency", allowed=FREQUENCIES),
    InputColumn("quantity", "quantity"),
    InputColumn("effective_price", "money"),
    InputColumn("unit_price", "money"),
    InputColumn("pay_g_price", "money"),
    InputColumn("cost_in_pricing_currency", "money"),
    InputColumn("exchange_rate_pricing_to_billing", "money"),
    *(
        InputColumn(name)
        for name in (
            "pricing_currency billing_account_id billing_account_name billing_profile_id "
            "billing_profile_name invoice_id previous_invoice_id invoice_section_id "
            "invoice_section_name account_name subscription_id subscription_name resource_group "
            "resource_location resource_id resource_name product_id product_name part_number "
            "meter_id meter_name meter_category meter_sub_category meter_region unit_of_measure "
            "service_family consumed_service availability_zone tags additional_info cost_center "
            "reservation_id reservation_name benefit_id benefit_name product_order_id "
            "product_order_name term offer_id publisher_type publisher_name plan_name"
        ).split()
    ),
)

# Where a column's names are not its own without the underscores; the first that is there counts.
_OTHER_NAMES = {
    "cost": ("costinbillingcurrency", "cost", "pretaxcost"),
    "billing_currency": ("billingcurrency", "billingcurrencycode", "currency"),
    "date": ("date", "usagedate", "usagedatetime"),
    "billing_period_start_date": ("billingperiodstartdate", "billingperiodstart"),
    "billing_period_end_date": ("billingperiodenddate", "billingperiodend"),
    "quantity": ("quantity", "usagequantity", "consumedquantity"),
    "effective_price": ("effectiveprice", "resourcerate"),
    "subscription_id": ("subscriptionid", "subscriptionguid"),
    "resource_group": ("resourcegroup", "resourcegroupname"),
    "resource_id": ("resourceid", "instanceid"),
    "resource_name": ("resourcename", "instancename"),
    "product_name": ("productname", "product"),
    "meter_name": ("metername", "meter"),
    "meter_category": ("metercategory", "servicename"),
    "meter_sub_category": ("metersubcategory", "metersubcategoryname"),
    "invoice_section_name": ("invoicesectionname", "invoicesection"),
    "tags": ("tags", "tag"),
    # FOCUS 1.0 had no columns of their own for these.
    "invoice_id": ("invoiceid", "xinvoiceid"),
    "pricing_currency": ("pricingcurrency", "xpricingcurrency"),
    "sku_meter": ("skumeter", "xskumetername"),
    "sku_price_details": ("skupricedetails", "xskudetails"),
}


def squeezed(name: str) -> str:
    """Return a header without case, spaces and signs; of "Kosten (Cost)" the English part."""
    translated = re.fullmatch(r".*\(\s*([A-Za-z ]+?)\s*\)\s*", name.strip("\ufeff \t"))
    return re.sub(r"[^a-z0-9]", "", (translated[1] if translated else name).lower())


def places(header: Iterable[str], columns: Iterable[InputColumn]) -> dict[str, str]:
    """Return, for each of the columns that a file has, the header under which it has it."""
    known: dict[str, str] = {}
    for name in header:
        known.setdefault(squeezed(name), name)
    found: dict[str, str] = {}
    for column in columns:
        names = _OTHER_NAMES.get(column.name, (column.name.replace("_", ""),))
        present = [known[name] for name in names if name in known]
        if present:
            found[column.name] = present[0]
    return found
