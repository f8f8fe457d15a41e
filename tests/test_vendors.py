"""The page of vendors is made from the connectors, and says of each what it cannot tell."""

from pathlib import Path

import pytest

from connectors import all_connectors
from pipelines.vendors import vendors_page

PAGE = Path(__file__).parents[1] / "docs" / "vendors.md"


def test_the_committed_page_is_what_the_connectors_say() -> None:
    # A new vendor touches no file but its own: the page learns of it when it is next written.
    assert set(PAGE.read_text().splitlines()) <= set(vendors_page().splitlines())


def test_every_connector_stands_on_the_page_once() -> None:
    page = vendors_page()
    for name in all_connectors():
        assert page.count(f"| `{name}` |") == 1


@pytest.mark.parametrize("name", all_connectors())
def test_a_connector_says_everything_a_person_must_know(name: str) -> None:
    about = all_connectors()[name].about
    assert all(str(value).strip() for value in vars(about).values())
    assert "\n" not in repr(vars(about))
