"""What undoes which decision, without a store."""

from pathlib import Path

import pytest

from fixby.errors import UsageError
from fixby.finding import Location
from fixby.triage.editor import opening
from fixby.triage.undo import Done, Standing, Step, undoing

A, B = "a" * 64, "b" * 64


def undone(name: str, before: Standing, now: Standing, **answers: str) -> list[Step]:
    return undoing(Done(Step(name, (A,), answers), {A: before}), {A: now})


@pytest.mark.parametrize("name", ["comment", "approve", "revoke", "reopen"])
def test_what_cannot_be_undone_says_what_to_do_instead(name: str) -> None:
    with pytest.raises(UsageError, match=r"\.$"):
        undone(name, Standing(), Standing())


def test_an_acceptance_is_revoked_unless_another_would_end_with_it() -> None:
    [step] = undone("accept", Standing(), Standing(acceptances=1))
    assert (step.name, step.ids) == ("revoke", (A,))
    with pytest.raises(UsageError, match="Another acceptance"):
        undone("accept", Standing(acceptances=1), Standing(acceptances=2))


def test_an_assignment_goes_back_unless_somebody_assigned_anew() -> None:
    [step] = undone("assign", Standing("eve"), Standing("ada"), assignee="ada")
    assert (step.name, step.answers) == ("assign", {"assignee": "eve"})
    with pytest.raises(UsageError, match="anew"):
        undone("assign", Standing("eve"), Standing("bob"), assignee="ada")


def test_findings_of_several_assignees_go_back_to_each() -> None:
    done = Done(Step("assign", (A, B), {"assignee": "ada"}), {A: Standing("eve"), B: Standing()})
    steps = undoing(done, {A: Standing("ada"), B: Standing("ada")})
    assert [(step.ids, step.answers["assignee"]) for step in steps] == [((A,), "eve"), ((B,), "")]


def test_tags_that_were_there_stay_and_those_that_others_gave_too() -> None:
    before, now = Standing(tags=frozenset({"x", "y"})), Standing(tags=frozenset({"x", "z", "w"}))
    [step] = undone("tag", before, now, add="x z", remove="y nosuch")
    assert step.answers == {"add": "y", "remove": "z"}
    assert undone("tag", before, before, add="x", remove="") == []


@pytest.mark.parametrize(
    ("editor", "expected"),
    [
        ("vi", ["vi", "+7", "FILE"]),
        ("emacs -nw", ["emacs", "-nw", "+7", "FILE"]),
        ("/usr/bin/code --wait", ["/usr/bin/code", "--wait", "--goto", "FILE:7"]),
        ("hx", ["hx", "FILE:7"]),
    ],
)
def test_editors_are_told_the_line_as_they_understand_it(tmp_path: Path, editor: str, expected: list[str]) -> None:
    (tmp_path / "-a.py").touch()
    command = opening(editor, tmp_path, Location("-a.py", 7))
    assert command == [part.replace("FILE", str(tmp_path / "-a.py")) for part in expected]


@pytest.mark.parametrize(("editor", "said"), [("", "No editor"), ("vi 'x", "quote")])
def test_an_editor_that_is_none_is_told(tmp_path: Path, editor: str, said: str) -> None:
    (tmp_path / "a.py").touch()
    with pytest.raises(UsageError, match=said):
        opening(editor, tmp_path, Location("a.py"))


def test_a_link_that_leads_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").touch()
    (folder := tmp_path / "code").mkdir()
    (folder / "a.py").symlink_to(tmp_path / "secret")
    for path in ("a.py", str(tmp_path / "secret"), "../secret"):
        with pytest.raises(UsageError, match="There is no file"):
            opening("vi", folder, Location(path))
