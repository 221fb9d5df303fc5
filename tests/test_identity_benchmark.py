"""The benchmark of identity: the reference it computes, and the truth it tells from lines."""

from pathlib import Path

import pytest
from observations import Observation
from references import line_hashes
from truth import truth

from fixby.finding import Category, Finding, Location, Rule
from fixby.severity import Severity, SeveritySource

ENDED = [
    *("e9496ae3ebfced30:1", "fb7c023a8b9ccb3f:1", "ce8ba1a563dcdaca:1", "e20e36e16fcb0cc8:1", "b3edc88f2938467e:1"),
    *("c8e28b0b4002a3a0:1", "c129715d7a2bc9a3:1"),
]
REPEATED = [
    *(f"a7f2ff13bc495cf2:{number}" for number in range(1, 7)),
    *("a7f2ff1481e87703:1", "a9cf91f7bbf1862b:1", "55ec222b86bcae53:1", "cc97dc7b1d7d8f7b:1", "c129715d7a2bc9a3:1"),
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["c129715d7a2bc9a3:1"]),
        (" a\nb\n  \t\tc\n d", ["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"]),
        (" hello; \t\nworld!!!\n\n\n  \t\tGreetings\n End\n", ENDED),
        (" hello; \t\nworld!!!\r\r\r  \t\tGreetings\r End\r", ENDED),
        (" hello; \t\nworld!!!\r\n\n\r  \t\tGreetings\r End\r\n", ENDED),
        ("Lorem ipsum dolor sit amet.\n" * 10, REPEATED),
    ],
)
def test_the_hashes_of_lines_are_those_that_github_publishes_as_examples(text: str, expected: list[str]) -> None:
    assert line_hashes(text) == expected


def told(folder: Path, old: str, new: str) -> list[tuple[int, int]]:
    """The pairs of lines with `eval` that are certainly the same finding."""
    versions = (folder / "old", folder / "new")
    seen = []
    for version, text in zip(versions, (old, new), strict=True):
        version.mkdir()
        (version / "a.py").write_text(text)
        lines = enumerate(text.split("\n"), start=1)
        seen.append([_observation(number, line) for number, line in lines if "eval" in line])
    return [(seen[0][one].line, seen[1][two].line) for one, two in truth(versions, *seen).same]


def _observation(number: int, line: str) -> Observation:
    place = Location("a.py", number)
    rule = Rule("B307", "Eval")
    finding = Finding(
        Category.CODE, "bandit", rule, Severity.LOW, SeveritySource.SCANNER, "eval", locations=(place,), code=line
    )
    return Observation(finding, place)


LONG = "".join(f"line_{number}()\n" for number in range(20))


def test_a_line_that_only_moved_down_or_was_indented_is_the_same_finding(tmp_path: Path) -> None:
    assert told(tmp_path, "a()\neval(x)\nb()\n", "new()\na()\nif 1:\n    eval(x)\nb()\n") == [(2, 4)]


def test_a_line_that_was_edited_is_the_same_finding(tmp_path: Path) -> None:
    assert told(tmp_path, "a()\neval(first)\nb()\n", "a()\neval(first, {})\nb()\n") == [(2, 2)]


def test_a_function_that_was_moved_takes_its_findings_along(tmp_path: Path) -> None:
    function = "def f(x):\n    y = x\n    eval(y)\n    return y\n"
    assert told(tmp_path, function + LONG, LONG + function) == [(3, 23)]


def test_a_line_that_was_deleted_is_not_the_unlike_one_that_was_added(tmp_path: Path) -> None:
    assert told(tmp_path, f"eval(x)\n{LONG}", f"{LONG}print(eval(input('What is to be run now? ').strip()))\n") == []
