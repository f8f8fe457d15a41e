"""Every query of docs/questions.md has an answer, and the answers are what was planted."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import duckdb
import pytest
from company import ROOT, Company
from planted_answers import PLANTED, Planted

PAGE = (ROOT / "docs" / "questions.md").read_text()
Row = dict[str, object]


@dataclass(frozen=True)
class Question:
    """One heading of the page, with its query and what is declared of the answer."""

    heading: str
    text: str

    @property
    def sql(self) -> str | None:
        found = re.search(r"```sql\n(.*?)```", self.text, re.DOTALL)
        return found[1] if found else None

    @property
    def is_out_of_reach(self) -> bool:
        return "\nOut of reach: " in self.text

    @property
    def has_no_rows(self) -> bool:
        return "\nNo rows in the sample company: " in self.text

    @property
    def unknown_columns(self) -> set[str]:
        found = re.search(r"^NULL in the sample company: (.*?)\.", self.text, re.MULTILINE)
        return set(re.findall(r"`(\w+)`", found[1])) if found else set()


def questions() -> Iterator[Question]:
    for part in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]:
        text = re.split(r"^## ", part, flags=re.MULTILINE)[0]
        yield Question(text.split("\n", 1)[0], text)


QUESTIONS = {question.heading: question for question in questions()}
ASKED = [question for question in QUESTIONS.values() if question.sql]


@pytest.fixture(scope="module")
def answers(company: Company) -> Iterator[Callable[[str], list[Row]]]:
    known: dict[str, list[Row]] = {}
    with company.connect() as warehouse:

        def ask(heading: str) -> list[Row]:
            if heading not in known:
                known[heading] = _rows(warehouse, QUESTIONS[heading].sql or "")
            return known[heading]

        yield ask


def _rows(warehouse: duckdb.DuckDBPyConnection, sql: str) -> list[Row]:
    found = warehouse.execute(sql)
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_each_question_is_asked_once_and_has_one_query_or_says_why_it_has_none() -> None:
    headings = re.findall(r"^### (.*)$", PAGE, re.MULTILINE)
    assert len(headings) == len(set(headings)) > 90
    for question in QUESTIONS.values():
        assert question.text.count("```sql") == (0 if question.is_out_of_reach else 1), question


def test_what_has_no_answer_says_why() -> None:
    declared = re.findall(r"^(?:NULL|No rows) in the sample company: (.*)$", PAGE, re.MULTILINE)
    declared += re.findall(r"^Out of reach: (.*)$", PAGE, re.MULTILINE)
    assert len(declared) > 10
    for reason in declared:
        assert len(re.sub(r"(`\w+`[,.] ?)+", "", reason).split()) >= 4, reason


@pytest.mark.parametrize("question", ASKED, ids=lambda question: question.heading)
def test_a_question_has_an_answer_unless_the_page_says_that_it_has_none(
    question: Question, answers: Callable[[str], list[Row]]
) -> None:
    rows = answers(question.heading)
    assert (rows == []) == question.has_no_rows
    unknown = {name for name in (rows[0] if rows else ()) if all(row[name] is None for row in rows)}
    assert {name for name in unknown if not name.endswith("reason")} == (
        question.unknown_columns if rows else set()
    )


def test_many_answers_are_compared_with_what_was_planted() -> None:
    assert len({str(figure) for figure in PLANTED}) == len(PLANTED) >= 30


@pytest.mark.parametrize("figure", PLANTED, ids=str)
def test_an_answer_is_what_was_planted(
    figure: Planted, answers: Callable[[str], list[Row]]
) -> None:
    rows = [
        row
        for row in answers(figure.heading)
        if all(row[name] == value for name, value in figure.where.items())
    ]
    values = [row[figure.column] for row in rows if row[figure.column] is not None]
    assert values
    found = sum((Decimal(str(value)) for value in values), Decimal(0))
    expected = Decimal(str(figure.expected()))
    assert abs(found - expected) <= figure.within(), f"{found} is not {expected}"
