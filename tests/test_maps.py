"""The shipped maps: documented examples, and what is special about each vendor."""

import shutil
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from connector_samples import SAMPLES, Sample, sample, sentences
from invoice_maps import LATE, answer, columns, read

from connectors import all_connectors
from connectors._maps.yaml_file import load_map
from connectors.invoice_mapping import MAPS
from connectors.invoice_mapping._check import check_map
from connectors.invoice_mapping._map import Map

PENDING = "vultr/v2_billing_pending-charges.json"
DOCUMENTED = Path(__file__).parents[2] / "shared" / "samples" / "vendors"
CLOUDS = [file.stem for file in sorted(MAPS.glob("*.yml"))]


@pytest.mark.parametrize("name", CLOUDS)
def test_every_shipped_map_binds_and_says_where_its_vendor_documents_the_format(name: str) -> None:
    map_ = load_map(MAPS / f"{name}.yml", Map)
    check_map(map_)
    assert map_.documentation.startswith("https://")
    assert all_connectors()[name].title == map_.title


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Sample]:
    """The sample of a source, landed once."""

    @cache
    def land(name: str) -> Sample:
        landed = sample(name, tmp_path_factory.mktemp(name))
        assert landed.run() == {}
        return landed

    return land


# --- DigitalOcean ---------------------------------------------------------------------------------

DROPLET = (
    "product,group_description,description,hours,start,end,USD,project_name,category\n"
    "Floating IPs,,Unused Floating IP - 203.0.113.7,100,2020-07-01 00:00:00 +0000,"
    "2020-07-22 18:14:39 +0000,$3.11,,iaas\n"
    "Taxes,,STATE SALES TAX (6.25%),,2020-07-01 00:00:00 +0000,2020-07-31 23:59:59 +0000,"
    "$0.16,,iaas\n"
)


def check_digitalocean(landed: Sample) -> None:
    assert landed.run() == {}
    names = "charge_category, billed_cost, list_unit_price, pricing_quantity, service_category"
    assert columns(landed, names) == [
        ("Usage", Decimal("3.11"), Decimal("0.0311"), 100, "Networking"),
        ("Tax", Decimal("0.16"), None, None, "Other"),
    ]
    ends = [f"{end:%Y-%m-%d %H:%M:%S}" for (end,) in columns(landed, "charge_period_end")]
    assert ends == ["2020-07-22 18:14:40", "2020-08-01 00:00:00"]


def test_digitaloceans_dollars_tax_and_inclusive_ends(tmp_path: Path) -> None:
    check_digitalocean(read(tmp_path, "digitalocean", {"invoice-2020-07.csv": DROPLET}))


def documented(example: str) -> str:
    if not (DOCUMENTED / example).exists():
        pytest.skip("the vendors' documented examples are not here")
    return (DOCUMENTED / example).read_text()


def test_digitaloceans_documented_example(tmp_path: Path) -> None:
    text = documented("digitalocean/invoice_example.csv")
    check_digitalocean(read(tmp_path, "digitalocean", {"invoice-2020-07.csv": text}))


def test_a_digitalocean_invoice_must_be_what_its_summary_says(tmp_path: Path) -> None:
    place = f"2020-07/{LATE}"
    files = {f"{place}/invoice.csv": DROPLET, f"{place}/summary.json": {"amount": "3.28"}}
    said = sentences(read(tmp_path, "digitalocean", files))
    assert said == ["the rows add up to 3.27, but amount states 3.28"]


# --- Vultr ----------------------------------------------------------------------------------------


def test_vultrs_documented_items_and_pending_charges(tmp_path: Path) -> None:
    invoice = "vultr/v2_billing_invoices_123456"
    landed = read(
        tmp_path,
        "vultr",
        {
            f"2018-03/{LATE}/items.json": documented(f"{invoice}_items.json"),
            f"2018-03/{LATE}/invoice.json": documented(f"{invoice}.json"),
            f"2020-10/{LATE}/pending-charges.json": documented(PENDING),
        },
    )
    assert landed.run() == {}
    names = "billed_cost, list_unit_price, pricing_quantity, list_cost, x_finality"
    assert columns(landed, names) == [
        (Decimal("2.35"), Decimal("0.0074"), 315, Decimal("2.331"), "final"),
        (10, Decimal("0.0149"), 720, Decimal("10.728"), "provisional"),
    ]
    for start, end in columns(landed, "charge_period_start, charge_period_end"):
        assert start < end


def test_a_vultr_gpu_is_capacity_and_a_credit_is_a_credit(known: Any) -> None:
    rows = columns(
        known("vultr"), "service_name, x_charge_kind, x_billed_milliseconds, resource_id"
    )
    assert ("Vultr Cloud GPU", "capacity", 212 * 3_600_000, "10.24.0.17") in rows
    assert [row for row in rows if row[1]] == [row for row in rows if row[0] == "Vultr Cloud GPU"]
    credits = columns(known("vultr"), "charge_category, billed_cost, sku_id")
    assert ("Credit", Decimal("-3.5"), None) in credits


# --- Vast.ai --------------------------------------------------------------------------------------


def test_vast_charges_are_days_of_instances_and_what_is_paid_back_stays_usage(known: Any) -> None:
    names = "charge_period_start, charge_period_end, charge_category, x_line_item_type, billed_cost"
    rows = columns(known("vast"), names)
    assert all((end - start).total_seconds() == 86_400 for start, end, *_ in rows)
    back = [(category, kind, cost) for _, _, category, kind, cost in rows if cost < 0]
    assert back == [("Usage", "Refund", Decimal("-4.125"))]


def test_the_hours_of_a_vast_gpu_are_those_that_its_item_says(known: Any) -> None:
    said = [
        int(Decimal(item["description"].split(" hours")[0]) * 3_600_000)
        for number in (1, 2, 3)
        for charge in answer("vast", f"charges-000{number}.json")["results"]
        for item in charge["items"]
        if item["type"] == "gpu"
    ]
    found = columns(known("vast"), "x_billing_period, x_billed_milliseconds")
    assert [ms for month, ms in found if month == "2026-10" and ms is not None] == said
    assert len(said) > 20


def test_a_type_of_charge_that_vast_does_not_document_is_a_sentence(tmp_path: Path) -> None:
    charge = {"start": 1791504000, "end": 1791504000, "type": "lunch", "amount": 1, "items": []}
    page = {"total": 1, "next_token": None, "results": [charge]}
    (said,) = sentences(read(tmp_path, "vast", {f"2026-10/{LATE}/charges-0001.json": page}))
    assert "row 1: charge_kind is 'lunch'; allowed: Usage," in said


# --- Modal ----------------------------------------------------------------------------------------


def test_modals_metered_cost_and_its_adjustments_are_what_is_billed(known: Any) -> None:
    summary = answer("modal", "summary.json")
    costs: dict[str, Decimal] = {}
    for month, category, cost in columns(
        known("modal"), "x_billing_period, charge_category, billed_cost"
    ):
        if month == "2026-10":
            costs[category] = costs.get(category, Decimal(0)) + cost
    rounding = Decimal("1e-12") * 100
    assert abs(costs["Usage"] - Decimal(summary["metered_cost"])) < rounding
    assert costs["Credit"] == sum(map(Decimal, summary["adjustments"].values()), Decimal(0))
    assert abs(sum(costs.values()) - Decimal(summary["billed_cost"])) < rounding


def test_a_modal_day_is_a_day_and_an_hour_an_hour(tmp_path: Path) -> None:
    row = {"object_id": "ap-1", "description": "d", "environment": "main", "resource": "CPU"}
    report = [
        row | {"interval_start": "2026-10-01", "cost": "1", "tags": "{}"},
        row | {"interval_start": "2026-10-01T23:00:00+00:00", "cost": "2"},
    ]
    summary = {"billed_cost": "3", "adjustments": {}}
    files = {f"2026-10/{LATE}/report.json": report, f"2026-10/{LATE}/summary.json": summary}
    landed = read(tmp_path, "modal", files)
    assert landed.run() == {}
    lengths = [
        (end - start).total_seconds()
        for start, end in columns(landed, "charge_period_start, charge_period_end")
    ]
    assert lengths == [86_400, 3_600]


def test_modals_report_without_its_summary_is_a_sentence(tmp_path: Path) -> None:
    report = [{"interval_start": "2026-10-01", "cost": "1", "resource": "CPU"}]
    said = sentences(read(tmp_path, "modal", {f"2026-10/{LATE}/report.json": report}))
    assert said == ["the rows add up to 1, but billed_cost, which states it, is missing"]


# --- Crusoe, Hyperstack, and a map of one's own ---------------------------------------------------


def test_crusoes_prices_times_quantities_are_list_cost_and_its_credit_has_none(known: Any) -> None:
    rows = columns(known("crusoe"), "charge_category, list_unit_price, pricing_quantity, list_cost")
    for category, price, quantity, listed in rows:
        assert listed == (Decimal(-5) if category == "Credit" else price * quantity)


def test_hyperstacks_long_amounts_are_rounded_once_and_the_rest_is_published(known: Any) -> None:
    landed = known("hyperstack")
    bills = [
        entry["metrics"]["incurred_bill"]
        for kind, name in (("virtual-machine", "vm"), ("volume", "volume"))
        for entry in answer("hyperstack", f"{kind}.json")[f"billing_history_{name}"][
            "billing_history"
        ]
    ]
    billed = [
        row[1] for row in columns(landed, "x_billing_period, billed_cost") if row[0] == "2026-10"
    ]
    (published,) = landed.index("charges").filter(slot="2026-10")["delivered"].to_list()[0]
    assert Decimal(published["amount"]) == sum(bills, Decimal(0))
    assert sum(billed, Decimal(0)) + Decimal(published["rounding"]) == sum(bills, Decimal(0))
    assert any(bill != cost for bill, cost in zip(bills, billed, strict=True))


def test_an_invoice_in_another_language_zone_and_notation_is_read_by_a_map(
    known: Any, tmp_path: Path
) -> None:
    names = "charge_category, billed_cost, charge_period_start, charge_period_end"
    rows = [
        (kind, cost, str(start), str(end))
        for kind, cost, start, end in columns(known("hosting"), names)
    ]
    october = ("2026-09-30 22:00:00", "2026-10-31 23:00:00")  # of Berlin
    assert rows[0] == ("Usage", Decimal("1184.90"), *october)
    assert [row[0] for row in rows] == ["Usage", "Usage", "Usage", "Credit", "Tax"]
    copy = shutil.copytree(SAMPLES / "hosting", tmp_path / "copy")
    invoice = copy / "rechnung-2026-10.csv"
    invoice.write_text(invoice.read_text().replace("49,00 €", "48,00 €"))
    said = sentences(sample("hosting", tmp_path / "changed", copy))
    assert said == ["the rows add up to 1456.71, but control_total.pattern states 1457.71"]
