"""The screen of `fixby triage`, driven by keys over real stores."""

import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest
from rich.cells import cell_len

from fixby.finding import Finding, Location
from fixby.query import parse
from fixby.severity import Severity
from fixby.store import decisions, queries
from fixby.store.database import Database
from fixby.store.decisions import By
from fixby.store.opening import open_for_reading, open_for_writing
from fixby.store.rows import load
from fixby.store.verification import flaws
from fixby.tracked import HistoryEntry, TrackedFinding
from fixby.triage.keys import KEYS
from tests.stories import DAY, scan, told, vulnerability, weakness
from tests.triage import NOW, START, Screen, shown

URGENT = vulnerability(severity=Severity.CRITICAL)
CALL = weakness("run(\n    command)", rule="B602", locations=(Location("shop/orders.py", 41, 42),))
LATER = weakness("assert(text)", path="shop/prices.py", line=3, rule="B101", severity=Severity.LOW)


def stored(store: str, *findings: Finding) -> None:
    """A scan that saw these findings."""
    with closing(open_for_writing(store)) as database:
        told(database, scan(*findings, at=START))


@pytest.fixture
def store(database_url: str) -> str:
    """A store of three findings, due in the order of these constants."""
    stored(database_url, LATER, CALL, URGENT)
    return database_url


def found(store: str, query: str = "") -> list[TrackedFinding]:
    with closing(open_for_reading(store)) as database:
        return queries.findings(database, parse(query), NOW)


def the_one(store: str, query: str) -> TrackedFinding:
    [finding] = found(store, query)
    return finding


def happened(store: str, query: str) -> list[HistoryEntry]:
    with closing(open_for_reading(store)) as database:
        return queries.history(database, the_one(store, query).id)


def kinds(store: str, query: str) -> list[str]:
    return [entry.kind.removeprefix("finding.") for entry in happened(store, query)]


def assignee_and_tags(store: str, query: str) -> tuple[str, str]:
    id_ = the_one(store, query).id
    with closing(open_for_reading(store)) as database:
        row = load(database, [id_]).findings[id_]
    return row.assignee, row.tags


def test_what_is_due_first_stands_first_and_in_full(database_url: str) -> None:
    stored(database_url, LATER, CALL, URGENT)

    async def story(screen: Screen) -> None:
        assert "1 of 3 by due date" in screen.lines[0]
        assert screen.lines[1] == "query: is:open"
        assert [line.split()[-1] for line in screen.lines[2:5]] != sorted(
            line.split()[-1] for line in screen.lines[2:5]
        )
        assert screen.lines[2].startswith(">")
        assert ["CVE-2024-1234" in screen.lines[2], "B602" in screen.lines[3], "B101" in screen.lines[4]] == [True] * 3
        assert "pkg:pypi/django@4.0" in screen.text

    shown(database_url, story)


def test_a_finding_shows_its_code_with_the_line_marked_its_history_and_why_it_is_due(store: str) -> None:
    async def story(screen: Screen) -> None:
        await screen.press("j")
        assert ">   41  run(" in screen.lines
        assert "    42      command)" in screen.lines
        for said in ("title of B602", "high, says the scanner", "Do not do this.", "detected", "sla.windows.high"):
            assert said in screen.text
        assert "Due 2027-01-22 08:00:00 UTC, in 6 d: on track." in screen.lines

    shown(store, story, size=(100, 50))


def test_on_a_small_screen_the_rest_of_a_finding_is_a_key_away(store: str) -> None:
    async def story(screen: Screen) -> None:
        await screen.press("down")
        assert "TIME RAN FROM" not in screen.text
        await screen.press("J", "J", "J")
        assert "TIME RAN FROM" in screen.text
        await screen.press("K", "K", "K")
        assert ">   41  run(" in screen.lines
        assert max(map(len, screen.lines)) <= 80
        assert len(screen.lines) == 24

    shown(store, story)


def test_the_query_filters_as_it_is_typed_and_a_wrong_one_leaves_the_last_result(store: str) -> None:
    async def story(screen: Screen) -> None:
        await screen.press("slash")
        await screen.type(" severity:hig")
        assert "1 of 3" in screen.lines[0]
        assert "'hig' is none of" in screen.text
        await screen.type("h")
        assert "1 of 1" in screen.lines[0]
        assert "is none of" not in screen.text
        await screen.type(" nonsense")
        assert "1 of 1" in screen.lines[0]
        assert "'nonsense' in the query is no qualifier:value." in screen.text
        await screen.press("enter", "d")
        await screen.type("no")
        await screen.press("enter")
        assert "no finding" in screen.lines[0]
        assert "No finding is selected." in screen.text

    shown(store, story)


def test_dismissing_asks_for_a_reason_and_goes_on_to_the_next(store: str) -> None:
    async def story(screen: Screen) -> None:
        await screen.press("j", "d", "enter")
        assert "why: this must be said." in screen.text
        await screen.type("not reachable")
        await screen.press("enter")
        assert ": dismissed" in screen.text
        assert "2 of 2" in screen.lines[0]
        assert "B101" in screen.lines[3]

    shown(store, story)
    assert the_one(store, "is:dismissed").finding.rule.id == "B602"
    [_, last] = happened(store, "is:dismissed")
    assert (last.actor, last.reason, last.at) == ("ada", "not reachable", NOW)


def test_an_acceptance_that_the_policy_refuses_is_refused_with_what_was_typed_kept(store: str) -> None:
    async def story(screen: Screen) -> None:
        await screen.press("j", "a", "tab")
        await screen.type("internal")
        await screen.press("tab", "tab")
        await screen.type("900d")
        await screen.press("enter")
        assert "The policy accepts a finding of high severity for at most" in screen.text
        assert "internal" in screen.text
        await screen.press("end", *(["backspace"] * 4))
        await screen.type("soon")
        await screen.press("enter")
        assert "'soon' is no date and no instant." in screen.text
        await screen.press(*(["backspace"] * 4))
        await screen.type("30d")
        await screen.press("enter")
        assert "it waits for approval" in screen.text
        await screen.press("p", "enter")
        assert "Whoever asks for an acceptance cannot approve it." in screen.text
        await screen.press("escape")
        screen.clock.actor = "bob"
        await screen.press("p", "enter")
        assert "approved and accepted" in screen.text
        await screen.press("v")
        await screen.type("reachable")
        await screen.press("enter")
        assert "no longer accepted" in screen.text

    shown(store, story)
    assert kinds(store, "rule:B602") == ["detected", "accepted", "approved", "revoked"]


def test_assigning_commenting_tagging_and_reopening_are_each_a_few_keys(store: str) -> None:
    async def story(screen: Screen) -> None:
        await screen.press("j", "s", "enter")
        await screen.press("c")
        await screen.type("see the ticket")
        await screen.press("enter", "t")
        await screen.type("b a")
        await screen.press("enter", "d")
        await screen.type("no")
        await screen.press("enter", "slash", "home", *(["delete"] * 7))
        await screen.type("is:dismissed")
        await screen.press("enter", "o")
        await screen.type("yes")
        await screen.press("enter")

    shown(store, story)
    assert kinds(store, "rule:B602") == ["detected", "assigned", "commented", "tagged", "dismissed", "reinstated"]
    assert assignee_and_tags(store, "rule:B602") == ("ada", '["a","b"]')


def test_what_is_marked_is_decided_together_or_not_at_all(store: str) -> None:
    async def story(screen: Screen) -> None:
        await screen.press("space", "space")
        assert "2 marked" in screen.lines[0]
        assert [line[1] for line in screen.lines[2:5]] == ["*", "*", " "]
        with closing(open_for_writing(store)) as database:
            decisions.dismiss(database, [the_one(store, "rule:B602").id], "by another", By("bob", NOW))
        await screen.press("d")
        await screen.type("none of these")
        await screen.press("enter")
        assert "is dismissed" in screen.text
        await screen.press("escape", "r")
        assert "1 marked" in screen.lines[0]
        await screen.press("asterisk")
        assert "2 marked" in screen.lines[0]
        await screen.press("d")
        assert "2 findings" in screen.text
        await screen.type("none of these")
        await screen.press("enter")

    shown(store, story)
    assert [entry.actor for entry in happened(store, "rule:B602")][1:] == ["bob"]
    assert found(store, "is:open") == []


@pytest.mark.parametrize("key", ["d", "a"])
def test_a_slip_is_undone_by_a_decision_of_its_own(store: str, key: str) -> None:
    async def story(screen: Screen) -> None:
        await screen.press("j", key)
        await screen.press(*(["tab"] if key == "a" else []))
        await screen.type("a slip")
        if key == "a":
            await screen.press("tab", "tab", "3", "d")
        await screen.press("enter", "u")
        assert "undone: " in screen.text
        await screen.press("u")
        assert "Nothing was decided here that could be undone." in screen.text

    shown(store, story)
    expected = {"d": ["detected", "dismissed", "reinstated"], "a": ["detected", "accepted", "revoked"]}
    assert kinds(store, "rule:B602") == expected[key]
    assert len(found(store, "is:open")) == 3
    with closing(open_for_reading(store)) as database:
        assert list(flaws(database)) == []


def test_undoing_gives_each_finding_its_own_assignee_and_tags_back(store: str) -> None:
    before = the_one(store, "rule:B602").id
    with closing(open_for_writing(store)) as database:
        decisions.assign(database, [before], "eve", By("eve", NOW))
        decisions.tag(database, [before], ["old", "kept"], [], By("eve", NOW))

    async def story(screen: Screen) -> None:
        await screen.press("asterisk", "s", "enter", "asterisk", "t")
        await screen.type("kept new")
        await screen.press("tab")
        await screen.type("old")
        await screen.press("enter")
        assert assignee_and_tags(store, "rule:B602") == ("ada", '["kept","new"]')
        await screen.press("u", "u")

    shown(store, story)
    assert assignee_and_tags(store, "rule:B602") == ("eve", '["kept","old"]')
    assert assignee_and_tags(store, "rule:B101") == ("", "[]")


def test_a_comment_cannot_be_undone_and_the_screen_says_so(store: str) -> None:
    async def story(screen: Screen) -> None:
        await screen.press("c")
        await screen.type("well")
        await screen.press("enter", "u")
        assert "A comment cannot be undone" in screen.text

    shown(store, story)


def test_what_others_decide_is_announced_and_seen_once_the_store_is_read_again(store: str) -> None:
    async def story(screen: Screen) -> None:
        with closing(open_for_writing(store)) as database:  # nothing that is on a screen locks it
            decisions.dismiss(database, [the_one(store, "rule:B602").id], "no", By("bob", NOW))
        screen.app._look()
        await screen.settle()
        assert "1 of 3 by due date | the store has changed: r" in screen.lines[0]
        await screen.press("r")
        assert screen.lines[0] == "fixby triage | 1 of 2 by due date"

    shown(store, story)


def test_a_store_that_goes_away_is_told_and_never_made_anew(tmp_path: Path) -> None:
    store = str(tmp_path / "fixby.db")
    stored(store, LATER, CALL, URGENT)

    async def story(screen: Screen) -> None:
        for file in Path(store).parent.glob("fixby.db*"):
            file.unlink()
        await screen.press("d")
        await screen.type("no")
        await screen.press("enter")
        assert "There is no store at" in screen.text.replace("\n", " ")
        await screen.press("escape", "r")
        assert "There is no store at" in screen.text
        await screen.press("j", "k", "u")

    shown(store, story)
    assert not Path(store).exists()


HOSTILE = "\x1b[2J\x1b]0;owned\x07[red]evil[/red] [@click=app.quit]x[/] \r\n\x9b31m \u202e " + "漢字" * 60


def test_hostile_text_is_shown_and_steers_nothing(tmp_path: Path) -> None:
    path = f"src/{HOSTILE}.py"
    hostile = weakness(f"eval('{HOSTILE}')\n" + "x" * 2_000, path=path, message=HOSTILE * 5)
    rule = replace(hostile.rule, id=HOSTILE, title=HOSTILE, references=(HOSTILE,), cwes=(HOSTILE,))
    store = str(tmp_path / "fixby.db")
    stored(store, replace(hostile, rule=rule, fix=HOSTILE))

    async def story(screen: Screen) -> None:
        await screen.press("c")
        await screen.type("x")
        assert "[red]evil[/red]" in screen.text
        await screen.press("enter")
        seen = ""
        for _ in range(40):
            seen += screen.text
            assert not any(character in screen.text for character in "\x1b\x07\x9b\r\u202e")
            assert {cell_len(line) <= 80 for line in screen.lines} == {True}
            await screen.press("J")
        assert "[@click=app.quit]x[/]" in seen
        assert "sla.windows.high" in seen
        assert screen.lines[0].startswith("fixby triage")

    shown(store, story)


def test_no_colours_are_used_where_nobody_wants_any(store: str) -> None:
    async def story(screen: Screen) -> None:
        for strip in screen.app.screen._compositor.render_strips():
            for segment in strip._segments:
                style = screen.app.get_line_filters() and segment.style
                assert not style or style.color is None or style.color.name == "default"

    with patch.dict(os.environ, {"NO_COLOR": "1"}):
        shown(store, story)


def test_the_help_names_every_key_and_any_way_leads_back(store: str) -> None:
    async def story(screen: Screen) -> None:
        await screen.press("question_mark")
        for key in KEYS:
            assert key.help in screen.text
        await screen.press("q")
        assert "1 of 3" in screen.lines[0]
        await screen.press("question_mark", "escape", "slash", "q")
        assert screen.lines[1] == "query: is:openq"
        await screen.press("ctrl+c")

    shown(store, story, size=(80, 40))


def test_the_file_of_a_finding_is_looked_for_below_the_folder_only(store: str, tmp_path: Path) -> None:
    outside = weakness("x", path="../secrets.py", line=1, rule="B999", severity=Severity.CRITICAL)
    (tmp_path / "secrets.py").write_text("x")
    (folder := tmp_path / "code").mkdir()
    stored(store, LATER, CALL, URGENT, outside)

    async def story(screen: Screen) -> None:
        await screen.press("e")
        assert "There is no file ../secrets.py below" in screen.text

    shown(store, story, folder=folder, editor="vi", query="rule:B999")


def test_the_queue_has_the_order_of_the_list(database: Database) -> None:
    some = [weakness(f"f({number})", severity=list(Severity)[number % 6]) for number in range(24)]
    told(database, scan(*some, at=START, scanned={"src/a.py": "1"}))
    ids = [one.id for one in queries.findings(database, parse("severity:high,low"), START)]
    decisions.dismiss(database, ids[:2], "no", By("ada", START))
    told(database, scan(*some[3:], at=START + 10, scanned={"src/a.py": "2"}))
    for query in ("", "is:open", "-is:fixed", "sla:breached"):
        for now in (START + 20, START + 60 * DAY):
            expected = [one.id for one in queries.findings(database, parse(query), now)]
            assert queries.queue(database, parse(query), now) == expected


def test_a_file_without_a_line_is_marked_nowhere(tmp_path: Path) -> None:
    store = str(tmp_path / "fixby.db")
    stored(store, replace(CALL, locations=(Location("a.py"),)), replace(LATER, locations=()))

    async def story(screen: Screen) -> None:
        assert "a.py" in screen.lines
        await screen.press("j")
        assert "assert(text)" in screen.text

    shown(store, story)


def test_the_documentation_lists_every_key_with_what_it_does() -> None:
    page = (Path(__file__).parent.parent / "docs" / "commands.md").read_text(encoding="utf-8")
    for key in KEYS:
        names = " ".join(f"`{name}`" for name in key.shown.split())
        assert f"| {names} | {key.help} |" in page


def test_a_long_queue_is_gone_through_line_by_line_page_by_page_and_end_to_end(tmp_path: Path) -> None:
    store = str(tmp_path / "fixby.db")
    stored(store, *(weakness(f"f({number})", rule=f"B{number}") for number in range(200)))

    async def story(screen: Screen) -> None:
        for keys, at in (
            (["G"], 200),
            (["pageup"], 194),
            (["k", "up"], 192),
            (["home"], 1),
            (["pagedown", "n"], 8),
            (["end"], 200),
        ):
            await screen.press(*keys)
            assert screen.lines[0] == f"fixby triage | {at} of 200 by due date"
            [current] = [line for line in screen.lines[2:9] if line.startswith(">  in ")]
            assert current.split("title of ")[1] in "\n".join(screen.lines[10:])
        await screen.press("g")
        await screen.pilot.click("#queue", offset=(5, 3))
        await screen.settle()
        assert "4 of 200" in screen.lines[0]

    shown(store, story)
