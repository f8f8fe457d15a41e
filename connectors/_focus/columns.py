"""The columns of FOCUS 1.0 to 1.4 that are read, under the names of its newest version.

What an older version, a preview or a vendor calls otherwise is in ALIASES. A column that a file
does not have is NULL. Custom columns are read where the ledger has a place for them.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from connectors._base import InputColumn, Kind

# What a closed list allows, and other spellings of it: letters only, in lower case.
CLOSED: Mapping[str, Mapping[str, str]] = {
    "ChargeCategory": {
        "usage": "Usage",
        "purchase": "Purchase",
        "tax": "Tax",
        "credit": "Credit",
        "adjustment": "Adjustment",
    },
    "ChargeClass": {"correction": "Correction"},
    "ChargeFrequency": {
        "onetime": "One-Time",
        "recurring": "Recurring",
        "usagebased": "Usage-Based",
    },
    "PricingCategory": {
        "standard": "Standard",
        "ondemand": "Standard",
        "dynamic": "Dynamic",
        "committed": "Committed",
        "commitmentbased": "Committed",
        "other": "Other",
    },
    "CommitmentDiscountCategory": {"spend": "Spend", "usage": "Usage"},
    "CommitmentDiscountStatus": {"used": "Used", "unused": "Unused"},
    "CapacityReservationStatus": {"used": "Used", "unused": "Unused"},
    # CoreWeave's own.
    "x_CapacityPlan": {
        "reserved": "Reserved",
        "reservedinstances": "Reserved",
        "ondemand": "On-Demand",
        "spot": "Spot",
        "flex": "Flex",
    },
}
# The ledger's name: earlier ones, the newest first.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "InvoiceIssuerName": ("InvoiceIssuer",),
    "ProviderName": ("Provider",),
    "PublisherName": ("Publisher",),
    "ServiceProviderName": ("x_ServiceProviderName",),
    "HostProviderName": ("x_HostProviderName",),
    "RegionId": ("Region",),
    "ConsumedQuantity": ("UsageQuantity",),
    "ConsumedUnit": ("UsageUnit",),
    "AllocatedMethodId": ("x_AllocatedMethodId",),
    "AllocatedMethodDetails": ("x_AllocatedMethodDetails",),
    "AllocatedResourceId": ("x_AllocatedResourceId",),
    "AllocatedResourceName": ("x_AllocatedResourceName",),
    "AllocatedTags": ("x_AllocatedTags",),
    "x_CapacityPlan": ("CapacityPlan",),
}
_TIMES = ("BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd")
_MONEY = (
    "BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "ListUnitPrice",
    "ContractedUnitPrice", "PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice",
    "PricingCurrencyContractedUnitPrice",
)  # fmt: skip
_QUANTITIES = ("PricingQuantity", "ConsumedQuantity", "CommitmentDiscountQuantity")
OBJECTS = ("Tags", "SkuPriceDetails", "AllocatedTags", "AllocatedMethodDetails")
_TEXTS = (
    "BillingCurrency", "BillingAccountId", "BillingAccountName", "BillingAccountType",
    "SubAccountId", "SubAccountName", "SubAccountType", "InvoiceId", "InvoiceIssuerName",
    "ProviderName", "PublisherName", "ServiceProviderName", "HostProviderName",
    "ServiceCategory", "ServiceName", "ServiceSubcategory", "ChargeDescription",
    "ChargeSubcategory", "PricingCurrency", "PricingUnit", "ConsumedUnit", "SkuId", "SkuMeter",
    "SkuPriceId", "RegionId", "RegionName", "AvailabilityZone", "ResourceId", "ResourceName",
    "ResourceType", "CommitmentDiscountId", "CommitmentDiscountName", "CommitmentDiscountType",
    "CommitmentDiscountUnit", "CapacityReservationId", "AllocatedMethodId",
    "AllocatedResourceId", "AllocatedResourceName", "x_ChargeKind", "x_LineItemType",
    "x_UsageType", "x_Operation", "x_Model", "x_TokenType", "x_ServiceTier", "x_ApiKeyId",
    "x_Finality",
)  # fmt: skip
REQUIRED = (
    "BilledCost", "BillingCurrency", "ChargeCategory", "ChargePeriodStart", "ChargePeriodEnd",
)  # fmt: skip

KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(_TIMES, "time"),
    **dict.fromkeys(_MONEY, "money"),
    **dict.fromkeys(_QUANTITIES, "quantity"),
    **dict.fromkeys(OBJECTS, "map"),
    **dict.fromkeys((*CLOSED, *_TEXTS), "text"),
    **dict.fromkeys(("x_BilledMilliseconds", "x_GpuCount"), "integer"),
}


def input_columns(*names: str, required: Sequence[str] = ()) -> tuple[InputColumn, ...]:
    """Return the declarations of columns, with the words that closed lists allow."""
    return tuple(
        InputColumn(name, KINDS[name], name in required, tuple(dict.fromkeys(words.values())))
        for name in names
        for words in [CLOSED.get(name, {})]
    )


COLUMNS = input_columns(*(n for n in KINDS if n != "x_CapacityPlan"), required=REQUIRED)


def named(headers: Iterable[str]) -> dict[str, list[str]]:
    """Return the headers of a file by the ledger's name, in order of precedence."""
    found: dict[str, str] = {}
    for header in headers:
        found.setdefault(_key(header), header)
    return {
        name: present
        for name in KINDS
        if (present := [found[key] for key in _keys(name) if key in found])
    }


def _key(header: str) -> str:
    """BilledCost, billed_cost and billedcost are one."""
    return re.sub("[^a-z0-9]", "", header.lower())


def _keys(name: str) -> list[str]:
    return [_key(spelling) for spelling in (name, *ALIASES.get(name, ()))]


# A column that a version was the first to have.
_FIRST_WITH = (
    ("1.4", "InvoiceDetailId"),
    ("1.4", "CommitmentProgramEligibilityDetails"),
    ("1.3", "ServiceProviderName"),
    ("1.3", "AllocatedMethodId"),
    ("1.3", "ContractApplied"),
    ("1.2", "PricingCurrency"),
    ("1.2", "InvoiceId"),
    ("1.2", "BillingAccountType"),
    ("1.2", "SubAccountType"),
    ("1.1", "ServiceSubcategory"),
    ("1.1", "CapacityReservationId"),
    ("1.1", "CommitmentDiscountQuantity"),
    ("1.1", "SkuMeter"),
    ("1.1", "SkuPriceDetails"),
    ("1.0", "ChargeClass"),
    ("1.0", "ContractedCost"),
)


def version_of(headers: Iterable[str]) -> str:
    """Return the version of FOCUS that a file's columns speak: the newest that one of them needs.

    '1.4' is also one without the provider that 1.4 removed, and '0.5' one with nothing of 1.0.
    """
    keys = {_key(header) for header in headers}
    found = next((version for version, name in _FIRST_WITH if _key(name) in keys), "0.5")
    return "1.4" if found == "1.3" and not keys & {"providername", "publishername"} else found
