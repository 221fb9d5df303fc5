"""What people decided stays decided, whatever happens to the code, the scanner or the machine."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pg8000.native import Connection

from fixby.decision import Acceptance
from fixby.finding import Finding, Location
from fixby.outline import outline
from fixby.scan import Scan
from fixby.store import decisions, queries
from fixby.store.database import Database
from fixby.store.decisions import By
from fixby.store.opening import open_for_reading, open_for_writing
from fixby.store.verification import flaws
from fixby.tracked import State, TrackedFinding
from tests.stories import DAY, found, scan, told, weakness

CALLS = ("eval(first)", "eval(second)", "eval(third)")
START = 1_800_000_000
FILE = "src/a.py"


def scanned(at: int, path: str = FILE, above: int = 0, version: str = "v1") -> Scan:
    """A scan of a file with the calls on lines of their own, below so many others."""
    content = "\n".join([*(f"import module_{number}" for number in range(above)), "", *CALLS, ""])
    some: list[Finding] = [
        replace(weakness(call, path=path), locations=(Location(path, above + 2 + number, above + 2 + number),))
        for number, call in enumerate(CALLS)
    ]
    return scan(*some, at=at, scanned={path: version}, outlines={path: outline(content)})


def decided(database: Database) -> None:
    """An acceptance that was approved, a dismissal; an assignee, a tag and a comment on the third."""
    told(database, scanned(START))
    ada, bob = By("ada", START + 10), By("bob", START + 20)
    accepted, dismissed, other = (one.id for one in in_order(database))
    decisions.accept(database, [accepted], Acceptance("ada", "behind a login", START + 60 * DAY), ada)
    decisions.approve(database, [accepted], bob)
    decisions.dismiss(database, [dismissed], "a constant", ada)
    decisions.assign(database, [other], "bob", ada)
    decisions.tag(database, [other], ["login"], [], ada)
    decisions.comment(database, [other], "next week", ada)


def in_order(database: Database) -> list[TrackedFinding]:
    some = found(database, now=START + 30)
    return sorted(some, key=lambda one: CALLS.index(one.finding.code))


def rescan(database: Database) -> None:
    told(database, scanned(START + DAY))


def moved_lines(database: Database) -> None:
    told(database, scanned(START + DAY, above=7, version="v2"))


def scanner_upgrade(database: Database) -> None:
    told(database, replace(scanned(START + DAY), tool_version="1.10.0", configuration="rules 2"))


def renamed_file(database: Database) -> None:
    told(database, scanned(START + DAY, path="src/renamed.py"))


def failed_then_rescanned(database: Database) -> None:
    told(database, scan(at=START + DAY, scanned={}))
    told(database, scanned(START + 2 * DAY))


HAPPENINGS: dict[str, Callable[[Database], None]] = {
    "a rescan": rescan,
    "other lines above": moved_lines,
    "an upgrade of the scanner": scanner_upgrade,
    "a rename of the file": renamed_file,
    "a scan that saw nothing": failed_then_rescanned,
}


def all_stand(database: Database) -> None:
    accepted, dismissed, other = in_order(database)
    assert [one.state for one in (accepted, dismissed, other)] == [State.ACCEPTED, State.DISMISSED, State.OPEN]
    assert (other.assignee, other.tags) == ("bob", ("login",))
    assert "next week" in [entry.reason for entry in queries.history(database, other.id)]
    assert list(flaws(database)) == []


@pytest.mark.parametrize("happening", HAPPENINGS.values(), ids=HAPPENINGS)
def test_no_happening_undoes_a_decision(database: Database, happening: Callable[[Database], None]) -> None:
    decided(database)
    before = [one.id for one in in_order(database)]
    happening(database)
    assert [one.id for one in in_order(database)] == before
    all_stand(database)


def test_a_store_that_comes_back_from_a_backup_has_every_decision_and_goes_on(
    database_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with closing(open_for_writing(database_url)) as database:
        decided(database)
    if "://" in database_url:
        restored = copied_by_postgresql(database_url, request)
    else:
        restored = str(tmp_path / "restored.db")
        with closing(sqlite3.connect(database_url)) as source, closing(sqlite3.connect(restored)) as target:
            source.backup(target)
    with closing(open_for_reading(restored)) as database:
        all_stand(database)
    with closing(open_for_writing(restored)) as database:
        renamed_file(database)
        all_stand(database)


def copied_by_postgresql(url: str, request: pytest.FixtureRequest) -> str:
    """The URL of a copy of a database, dropped after the test."""
    parts = urlsplit(url)

    def run(statement: str) -> None:
        database = "template1"
        connection = Connection(str(parts.username), parts.hostname, database, parts.port, parts.password)
        with closing(connection):
            connection.run(statement)

    run(f"CREATE DATABASE restored TEMPLATE {parts.path.removeprefix('/')}")
    request.addfinalizer(lambda: run("DROP DATABASE restored WITH (FORCE)"))
    return parts._replace(path="/restored").geturl()
