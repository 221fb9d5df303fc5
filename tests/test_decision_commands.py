"""The commands that decide of findings: of one, of several, of all that a query selects; together or not at all."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fixby.query import parse
from fixby.severity import Severity
from fixby.store import decisions, queries
from fixby.store.database import Database
from fixby.store.decisions import By
from fixby.store.verification import flaws
from fixby.tracked import State
from tests.command import FIXBY, Ended, called, clean_environment, fixby
from tests.stories import DAY, found, scan, told, weakness
from tests.test_decisions import policy
from tests.test_published import validate

START = int(time.time()) - DAY
ROOT = Path(__file__).parents[1]
HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202egnp"

Run = Callable[..., Ended]


@pytest.fixture
def run(database_url: str, tmp_path: Path) -> Run:
    """Runs a command on the store as ada, or whom FIXBY_ACTOR names."""

    def run(*arguments: str, **environment: str) -> Ended:
        return called(*arguments, "--store", database_url, cwd=tmp_path, **{"FIXBY_ACTOR": "ada"} | environment)

    return run


def stored(database: Database, count: int) -> list[str]:
    """The ids of so many open findings, in order."""
    told(database, scan(*(weakness(f"call({number})") for number in range(count)), at=START))
    return queries.matching(database, [], START)


def states(database: Database) -> list[State]:
    return [one.state for one in queries.with_ids(database, queries.matching(database, [], START), int(time.time()))]


def events(database: Database, id_: str) -> list[tuple[str, str, str]]:
    """What people did to a finding."""
    return [(one.actor, one.kind, one.reason) for one in queries.history(database, id_)[1:]]


DECISIONS = {
    "accept": (("--reason", "not reachable", "--until", "5d"), "finding.accepted"),
    "dismiss": (("--reason", "a test"), "finding.dismissed"),
    "assign": (("--to", "bob"), "finding.assigned"),
    "tag": (("--add", "login", "--add", "old"), "finding.tagged"),
    "comment": (("-m", "soon"), "finding.commented"),
}


@pytest.mark.parametrize("command", DECISIONS)
def test_several_ids_are_decided_together_and_each_once(database: Database, run: Run, command: str) -> None:
    ids, (options, kind) = stored(database, 4), DECISIONS[command]
    ended = run(command, ids[0], ids[2][:9], ids[0][:12], *options)
    assert (ended.code, ended.err) == (0, "")
    assert [line[:12] for line in ended.out.splitlines()] == [f"{id_[:10]}: " for id_ in (ids[0], ids[2])]
    assert [[event[:2] for event in events(database, id_)] for id_ in ids] == [[("ada", kind)], [], [("ada", kind)], []]


def test_what_is_asked_for_is_approved_revoked_and_reopened_in_bulk_too(database: Database, run: Run) -> None:
    ids, because = stored(database, 3), ("--reason", "because")
    asked = run("accept", *ids, "--until", "5d", *because)
    assert asked.out.count("waits for approval (fixby approve), until") == 3
    assert run("approve", *ids, FIXBY_ACTOR="bob").out.count(": accepted") == 3
    assert states(database) == [State.ACCEPTED] * 3
    revoked = run("revoke", "--query", "is:accepted", "--yes", *because)
    assert revoked.out == "3 findings: no longer accepted\n"
    run("dismiss", *ids, *because)
    assert states(database) == [State.DISMISSED] * 3
    assert run("reopen", "--query", "is:dismissed", "--yes", *because).out == "3 findings: open again\n"
    assert list(flaws(database)) == []


@pytest.mark.parametrize("command", DECISIONS)
@pytest.mark.parametrize(("wrong", "said"), [("zz", "No finding has an id"), ("", "Several findings have an id")])
def test_an_id_that_is_none_or_several_leaves_the_others_alone(
    database: Database, run: Run, command: str, wrong: str, said: str
) -> None:
    ids, (options, _) = stored(database, 2), DECISIONS[command]
    ended = run(command, ids[0], wrong, *options)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert [events(database, id_) for id_ in ids] == [[], []]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("dismiss", "--reason", "x"), "named by their ids or by a query"),
        (("dismiss", "ID", "--query", "is:open", "--yes", "--reason", "x"), "named by their ids or by a query"),
        (("dismiss", "--query", "is:open", "--reason", "x"), "Nobody is at a terminal"),
        (("dismiss", "--query", "colour:red", "--yes", "--reason", "x"), "There is no qualifier 'colour'"),
        (("dismiss", "ID", "--reason", " \n"), "--reason says nothing"),
        (("comment", "ID", "--text", ""), "--text says nothing"),
        (("accept", "ID", "--reason", "x", "--until", "soon"), "'soon' is no date"),
        (("assign", "ID"), "to somebody or to nobody"),
        (("assign", "ID", "--to", "ada", "--nobody"), "to somebody or to nobody"),
        (("assign", "ID", "--to", "nobody"), "'nobody' is no name"),
        (("assign", "ID", "--to", "Lovelace, Ada"), "is no name"),
        (("assign", "ID", "--to", "a" * 201), "is no name"),
        (("assign", "ID", "--to", HOSTILE), "is no name"),
        (("tag", "ID"), "no tag to add or to remove"),
        (("tag", "ID", "--add", "a b"), "'a b' is no tag"),
        (("tag", "ID", "--add", "a" * 51), "is no tag"),
        (("tag", "ID", "--add", HOSTILE), "is no tag"),
        (("tag", "ID", "--add", "login", "--remove", "login"), "'login' is to be added and removed"),
    ],
)
def test_a_wrong_wish_is_2_and_changes_nothing(
    database: Database, run: Run, arguments: tuple[str, ...], said: str
) -> None:
    [id_] = stored(database, 1)
    ended = run(*(id_ if word == "ID" else word for word in arguments))
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert "\x1b" not in ended.err
    assert events(database, id_) == []


def test_hundreds_are_decided_by_a_query_and_the_first_ten_are_shown(database: Database, run: Run) -> None:
    stored(database, 300)
    told(database, scan(weakness("other()", path="lib/b.py"), at=START), asset="shop")
    ended = run("dismiss", "--query", "is:open path:src/**", "--yes", "--reason", "generated")
    assert (ended.code, ended.out) == (0, "300 findings: dismissed\n")
    assert ended.err.count("src/a.py:1") == 10
    assert ended.err.endswith("... and 290 more\n\n300 findings selected\n")
    assert sorted(states(database)) == [State.DISMISSED] * 300 + [State.OPEN]
    assert list(flaws(database)) == []


def test_a_query_that_selects_nothing_changes_nothing(database: Database, run: Run) -> None:
    [id_] = stored(database, 1)
    ended = run("dismiss", "--query", "is:fixed", "--yes", "--reason", "x")
    assert (ended.code, ended.out, ended.err) == (0, "No finding is selected.\n", "")
    assert run("dismiss", "--query", "is:fixed", "--yes", "--reason", "x", "--json").document["decided"] == []
    assert events(database, id_) == []


@pytest.mark.parametrize("by_query", [False, True])
def test_what_the_policy_refuses_of_one_is_decided_of_none(database: Database, run: Run, by_query: bool) -> None:  # noqa: FBT001 - a parameter
    some = [weakness(f"call({number})") for number in range(4)]
    worst = weakness("worst()", severity=Severity.CRITICAL)
    told(database, scan(*some[:2], worst, *some[2:], at=START), policy=policy('longest = "never"'))
    ids = queries.matching(database, [], START)
    chosen = ("--query", "is:open", "--yes") if by_query else ids
    ended = run("accept", *chosen, "--reason", "x", "--until", "5d")
    assert (ended.code, ended.out) == (2, "")
    assert "allows nobody to accept a critical finding" in ended.err
    assert [events(database, id_) for id_ in ids] == [[]] * 5


def test_those_who_decide_at_once_do_not_lose_each_others_decisions(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    ids, people = stored(database, 20), ("ada", "bob", "eve", "mia")

    def tag(person: str) -> Ended:
        options = ("--add", person, "--store", database_url)
        return fixby("tag", "--query", "is:open", "--yes", *options, cwd=tmp_path, FIXBY_ACTOR=person)

    with ThreadPoolExecutor(len(people)) as pool:
        assert [ended.code for ended in pool.map(tag, people)] == [0] * 4
    assert {one.tags for one in found(database)} == {people}
    assert {person for person, _, _ in events(database, ids[0])} == {*people}
    assert list(flaws(database)) == []


def test_one_id_prints_the_finding_and_several_print_what_was_decided(database: Database, run: Run) -> None:
    ids = stored(database, 3)
    one = run("tag", ids[0], "--add", "login", "--json").document
    validate(one)
    assert (one["schema"], one["finding"]["tags"], one["history"][-1]["event"]) == (
        "fixby.show/1",
        ["login"],
        "finding.tagged",
    )
    several = run("assign", *ids[:2], "--to", "bob", "--json").document
    validate(several)
    assert several["schema"] == "fixby.decided/1"
    assert [(one["id"], one["owner"]) for one in several["decided"]] == [(id_, "bob") for id_ in ids[:2]]
    selected = run("comment", "--query", "tag:login", "--yes", "--text", "soon", "--json").document
    validate(selected)
    assert [one["id"] for one in selected["decided"]] == ids[:1]


def test_what_is_in_force_is_published_oldest_first(database: Database, run: Run) -> None:
    [id_] = stored(database, 1)
    wish = ("--owner", "mia", "--mitigation", "a firewall", "--until", "2199-12-31T00:00:00Z", "--reason", "internal")
    assert run("accept", id_, *wish).code == 2
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(START + 9 * DAY))
    waiting = run("accept", id_, *wish, "--until", soon, "--json").document["finding"]
    valid = run("approve", id_, "--json", FIXBY_ACTOR="bob").document["finding"]
    both = run("dismiss", id_, "--reason", "dead code", "--json").document
    validate(both)
    accepted, dismissed = both["finding"]["decisions"]
    told_at = ("at", "until")
    assert {key: value for key, value in accepted.items() if key not in told_at} == {
        "kind": "accept",
        "by": "ada",
        "owner": "mia",
        "reason": "internal",
        "mitigation": "a firewall",
        "approvals": ["bob"],
        "needed": 1,
        "valid": True,
    }
    assert accepted["until"] == soon
    assert waiting["decisions"] == [accepted | {"approvals": [], "valid": False}]
    assert valid["decisions"] == [accepted]
    assert (dismissed["kind"], dismissed["by"], dismissed["reason"]) == ("dismiss", "ada", "dead code")
    assert accepted["at"] <= dismissed["at"]
    after = run("reopen", id_, "--reason", "it is not", "--json").document["finding"]
    assert after["decisions"] == [accepted]
    assert run("revoke", id_, "--reason", "no", "--json").document["finding"]["decisions"] == []
    again = run("dismiss", id_, "--reason", "dead after all", "--json").document["finding"]
    assert [one["reason"] for one in again["decisions"]] == ["dead after all"]


def test_a_page_shows_the_owner_the_tags_what_is_in_force_and_the_comments(database: Database, run: Run) -> None:
    [id_] = stored(database, 1)
    run("assign", id_, "--to", "bob")
    run("tag", id_, "--add", "login", "--add", "api/v2")
    run("comment", id_, "-m", "first line\nsecond line")
    run("accept", id_, "--until", "5d", "--reason", "internal", "--mitigation", "a firewall")
    waiting = run("show", id_).out
    assert "owner       bob\ntags        api/v2 login\nacceptance  until 20" in waiting
    assert "owner ada, asked for by ada, waits for 1 more approval\n            internal\n" in waiting
    assert "commented  first line\n" in waiting
    run("approve", id_, FIXBY_ACTOR="eve")
    accepted = run("show", id_).out
    assert "asked for by ada, approved by eve\n            internal\n            meanwhile: a firewall\n" in accepted
    run("assign", id_, "--nobody")
    run("tag", id_, "--remove", "login", "--remove", "api/v2")
    run("dismiss", id_, "--reason", "a test")
    page = run("show", id_).out
    assert "dismissed   by ada 20" in page
    assert "\nowner  " not in page
    assert "\ntags  " not in page


def test_hostile_words_do_not_reach_a_terminal_as_they_are(database: Database, run: Run) -> None:
    [id_] = stored(database, 1)
    run("comment", id_, "-m", HOSTILE)
    run("accept", id_, "--until", "5d", "--reason", HOSTILE, "--mitigation", HOSTILE, "--owner", HOSTILE)
    decisions.tag(database, [id_], [HOSTILE], [], By(HOSTILE, START + 60))
    decisions.assign(database, [id_], HOSTILE, By("ada", START + 60))
    shown = [run("show", id_), run("tag", id_, "--add", "more"), run("list"), run("dismiss", id_, "--reason", HOSTILE)]
    for ended in (*shown, run("show", id_)):
        assert ended.code == 0
        assert [character for character in "\x1b\x07\u202e" if character in ended.out + ended.err] == []
    assert "owned" in shown[0].out
    assert run("show", id_, "--json").document["history"][1]["reason"] == HOSTILE


def test_bytes_that_are_no_text_are_written_out(database: Database, run: Run) -> None:
    [id_] = stored(database, 1)
    odd = os.fsdecode(b"caf\xe9")
    assert run("comment", id_, "-m", odd).code == 0
    assert run("dismiss", id_, "--reason", odd).code == 0
    assert [reason for _, _, reason in events(database, id_)] == ["caf\\xe9"] * 2


def test_me_is_whoever_asks_in_each_command(database: Database, run: Run, tmp_path: Path) -> None:
    ids = stored(database, 3)
    assert run("assign", ids[0], "--to", "me").out == f"{ids[0][:10]}: assigned to ada\n"
    run("assign", ids[1], "--to", "me", FIXBY_ACTOR="Grace Hopper")

    def selected(query: str, actor: str = "ada") -> list[str]:
        listed = run("list", query, "--json", FIXBY_ACTOR=actor)
        return sorted(one["id"] for one in listed.document["findings"])

    assert selected("assignee:me") == [ids[0]]
    assert selected("assignee:me", "Grace Hopper") == [ids[1]]
    assert selected("assignee:me,nobody") == sorted([ids[0], ids[2]])
    assert selected("-assignee:me") == sorted(ids[1:])
    assert run("sla", "report", "assignee:me", "--json").document["total"]["open"] == 1
    run("comment", "--query", "assignee:me", "--yes", "-m", "mine", FIXBY_ACTOR="Grace Hopper")
    assert [len(events(database, id_)) for id_ in ids] == [1, 2, 0]
    package = str(tmp_path / "evidence.zip")
    exported = run("export", "evidence", "assignee:me", "--output", package, "--json", FIXBY_ACTOR="Grace Hopper")
    assert exported.document["query"] == "'assignee:Grace Hopper'"
    assert called("verify", package, cwd=tmp_path, FIXBY_ACTOR="eve").code == 0


def test_a_gate_knows_no_me(database: Database, run: Run, tmp_path: Path) -> None:
    stored(database, 1)
    ours = (ROOT / "policies" / "gate.toml").read_text().replace("is:open severity:critical", "assignee:me")
    (tmp_path / "gate.toml").write_text(ours)
    (tmp_path / "fixby.toml").write_text('gate = "gate.toml"\n')
    ended = run("gate")
    assert (ended.code, ended.out) == (2, "")
    assert "assignee:me is whoever asks, and here nobody does" in ended.err


class AtATerminal:
    """A command whose standard input and standard error are a terminal."""

    def __init__(self, *arguments: str, cwd: Path) -> None:
        self._leader, follower = os.openpty()
        environment = clean_environment() | {"FIXBY_ACTOR": "ada", "NO_COLOR": "1"}
        self._process = subprocess.Popen(
            [FIXBY, *arguments], stdin=follower, stdout=subprocess.PIPE, stderr=follower, cwd=cwd, env=environment
        )
        os.close(follower)
        self.seen = ""

    def asked(self) -> str:
        """What it has said when it asks."""
        while "[y/N]" not in self.seen:
            self.seen += os.read(self._leader, 4096).decode()
        return self.seen

    def answer(self, text: str) -> tuple[int, str]:
        """What it exits with and prints after an answer."""
        os.write(self._leader, text.encode())
        out, _ = self._process.communicate(timeout=60)
        return self._process.returncode, out.decode()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        os.close(self._leader)


@pytest.fixture
def asking(database: Database, database_url: str, tmp_path: Path) -> Iterator[AtATerminal]:
    """A command that is about to dismiss twelve findings."""
    stored(database, 12)
    words = ("dismiss", "--query", "is:open", "--reason", "generated", "--store", database_url)
    command = AtATerminal(*words, cwd=tmp_path)
    yield command
    command.close()


def test_at_a_terminal_a_query_is_confirmed(database: Database, asking: AtATerminal) -> None:
    said = asking.asked()
    assert said.count("src/a.py:1") == 10
    assert "... and 2 more" in said
    assert said.endswith("12 findings selected\r\nDecide of 12 findings? [y/N] ")
    assert states(database) == [State.OPEN] * 12
    assert asking.answer("y\n") == (0, "12 findings: dismissed\n")
    assert states(database) == [State.DISMISSED] * 12


@pytest.mark.parametrize("answer", ["n\n", "\n", "yup\n", "\x04"])
def test_anything_but_a_yes_changes_nothing(database: Database, asking: AtATerminal, answer: str) -> None:
    asking.asked()
    assert asking.answer(answer) == (130, "")
    assert states(database) == [State.OPEN] * 12


def test_no_more_is_decided_than_was_shown(database: Database, asking: AtATerminal) -> None:
    asking.asked()
    told(database, scan(weakness("late()", path="lib/b.py"), at=START), asset="shop")
    assert asking.answer("yes\n") == (0, "12 findings: dismissed\n")
    assert [one.asset for one in queries.findings(database, parse("is:open"), START)] == ["shop"]


def test_what_somebody_else_decided_meanwhile_is_not_decided_again(database: Database, asking: AtATerminal) -> None:
    asking.asked()
    ids = queries.matching(database, [], START)
    decisions.dismiss(database, ids[5:6], "mine", By("bob", int(time.time())))
    assert asking.answer("y\n") == (2, "")
    assert states(database).count(State.OPEN) == 11
    assert events(database, ids[5]) == [("bob", "finding.dismissed", "mine")]


def test_nothing_is_made_where_there_is_no_store(tmp_path: Path) -> None:
    ended = called("dismiss", "abc", "--reason", "x", cwd=tmp_path, FIXBY_ACTOR="ada")
    assert (ended.code, ended.out) == (3, "")
    assert list(tmp_path.iterdir()) == []
