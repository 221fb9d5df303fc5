"""What the screen shows of a finding, and what it tells the store, without the screen."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from fixby.errors import UsageError
from fixby.finding import Location
from fixby.store.database import Database
from fixby.store.decisions import By
from fixby.triage.deciding import decide
from fixby.triage.detail import detail, page
from fixby.triage.undo import Step
from tests.stories import scan, the_one, told, weakness

STATEMENT = 'subprocess.call(\n    "ls " + words,\n    shell=True,\n)'


@pytest.mark.parametrize(
    ("code", "place", "shown"),
    [
        ("eval(text)", Location("a.py", 3, 3), [">    3  eval(text)"]),
        (STATEMENT, Location("a.py", 7, 8), ["     5  subprocess.call(", ">    7      shell=True,", "     8  )"]),
        (STATEMENT, Location("a.py", 5, 8), [">    5  subprocess.call(", "     8  )"]),
        ("one\ntwo", Location("a.py", 5), [">    5  one", "     6  two"]),
    ],
    ids=["a line", "a line within a statement", "the first line", "no last line"],
)
def test_each_line_of_the_code_bears_its_number(
    database: Database, code: str, place: Location, shown: list[str]
) -> None:
    [id_] = told(database, scan(weakness(code, locations=(place,)), at=100)).new
    screen = StringIO()
    Console(width=100, file=screen).print(page(detail(database, id_, Path("nowhere"), 200)))
    lines = [line.rstrip() for line in screen.getvalue().splitlines()]
    assert [line for line in lines if line in shown] == shown


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("assign", {"assignee": "me"}),
        ("assign", {"assignee": "ada, bob"}),
        ("tag", {"add": "a,b", "remove": ""}),
        ("tag", {"add": "", "remove": "x" * 51}),
    ],
)
def test_a_name_or_tag_that_no_query_could_ask_for_is_refused(
    database: Database, name: str, answers: dict[str, str]
) -> None:
    [id_] = told(database, scan(weakness(), at=100)).new
    with pytest.raises(UsageError, match="is no"):
        decide(Step(name, (id_,), answers), database, By("ada", 200), lambda _text, now: now)
    assert (the_one(database).assignee, the_one(database).tags) == ("", ())
