"""Scans into a store of each kind: idempotent, all or nothing, and safe from other writers and from being killed."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixby.asset import Asset
from fixby.errors import StoreError
from fixby.finding import Finding
from fixby.policies.policy import shipped
from fixby.scan import Failed, Partial, Scan
from fixby.store import ingestion
from fixby.store.database import Database, Row
from fixby.store.ingestion import record
from fixby.store.opening import open_for_reading, open_for_writing
from fixby.store.terms import Occasion
from fixby.store.verification import flaws
from tests.stories import found, scan, secret, the_one, told, vulnerability, weakness

TABLES = ("event", "scan", "finding", "sighting", "running_segment", "coverage")


def everything(database: Database) -> dict[str, list[Row]]:
    """All rows of all tables that scans write to."""
    return {table: [tuple(row) for row in database.run(f"SELECT * FROM {table} ORDER BY 1, 2")] for table in TABLES}  # noqa: S608 - our own


def counts(database: Database) -> dict[str, int]:
    return {table: len(rows) for table, rows in everything(database).items()}


def some_weaknesses(count: int = 5, path: str = "src/a.py") -> list[Finding]:
    return [weakness(f"eval({number})", path=path, line=number + 1) for number in range(count)]


REPEATS: dict[str, Callable[[Scan], Scan]] = {
    "the same": lambda first: first,
    "later": lambda first: replace(first, started_at=500, finished_at=600),
    "in another order": lambda first: replace(first, findings=first.findings[::-1]),
    "with more of the same coverage": lambda first: replace(
        first, coverage=replace(first.coverage, scanned={**first.coverage.scanned, "src/z.py": "v1"})
    ),
}


@pytest.mark.parametrize("repeat", REPEATS.values(), ids=REPEATS)
def test_the_same_scan_twice_writes_one_scan_and_one_event_and_no_finding(
    database: Database, repeat: Callable[[Scan], Scan]
) -> None:
    first = scan(*some_weaknesses(), secret(), vulnerability(), at=100)
    assert len(told(database, first).new) == 7
    before = everything(database)
    again = told(database, repeat(first))
    assert (again.new, again.fixed, again.reopened, again.not_observed) == ((), (), (), ())
    after = everything(database)
    assert len(after["event"]) == len(before["event"]) + 1
    assert len(after["scan"]) == len(before["scan"]) + 1
    for table in ("finding", "sighting", "running_segment"):
        assert after[table] == before[table]


def test_the_same_scan_after_a_failed_one_changes_nothing(database: Database) -> None:
    told(database, scan(*some_weaknesses(), at=100))
    told(database, scan(at=200, scanned={}, outcome=Failed(("it crashed",))))
    before = counts(database)
    told(database, scan(*some_weaknesses(), at=300))
    assert counts(database) == {**before, "event": before["event"] + 1, "scan": before["scan"] + 1}


def test_scans_that_looked_at_the_same_share_one_row_of_coverage(database: Database) -> None:
    for at in range(100, 500, 100):
        told(database, scan(weakness(str(at)), at=at))
    assert counts(database)["coverage"] == 2  # what stands for the whole, and its only part


def test_what_is_told_of_a_scan_is_what_it_changed(database: Database) -> None:
    first = told(database, scan(*some_weaknesses(3), at=100))
    assert (first.seq, len(first.new)) == (2, 3)  # after the adoption of the policy
    later = told(database, scan(*some_weaknesses(2), at=200, scanned={"src/a.py": "v2"}))
    assert (later.seq, later.new, len(later.fixed)) == (6, (), 1)


def test_findings_keep_all_that_their_scanner_said(database: Database) -> None:
    everything_said = [weakness(), vulnerability(names=("CVE-2024-1", "GHSA-2222-3333-4444")), secret()]
    told(database, scan(*everything_said, at=100))
    assert {repr(one.finding) for one in found(database)} == set(map(repr, everything_said))


texts = st.text(st.characters(codec="utf-8"), max_size=8)


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(texts, min_size=6, max_size=6))
def test_any_text_is_stored_as_it_is(database: Database, words: list[str]) -> None:
    code, path, rule, message, reason, asset = (word.replace("\0", "\\0") for word in words)
    odd = weakness(code, path=path, rule=rule, message=message)
    told(database, scan(odd, at=100, outcome=Partial((reason,))), asset=asset)
    assert repr(odd) in {repr(one.finding) for one in found(database) if one.asset == asset}
    assert list(flaws(database)) == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_character_that_a_database_cannot_hold_is_refused_and_nothing_is_stored(database: Database) -> None:
    before = everything(database)
    with pytest.raises(StoreError):
        told(database, scan(weakness(path="a\0.py"), at=100))
    assert everything(database) == before


class Broken(Exception):  # noqa: N818 - what a test raises
    pass


def interrupted(database: Database) -> None:
    """Writes to each table, as an ingestion does, and does not come to its end."""
    with database.writing():
        for table in TABLES:
            database.run(f"DELETE FROM {table}")  # noqa: S608 - our own
        database.run("UPDATE meta SET value = 'x' WHERE key = 'head'")
        raise Broken


def test_nothing_is_left_of_what_was_interrupted_half_way(database: Database) -> None:
    told(database, scan(*some_weaknesses(3), at=100))
    before = everything(database)
    with pytest.raises(Broken):
        interrupted(database)
    assert everything(database) == before
    assert len(told(database, scan(*some_weaknesses(9), at=300)).new) == 6


@pytest.mark.parametrize("table", ["event", "finding", "sighting", "scan", "coverage"])
def test_a_statement_that_fails_takes_the_whole_scan_with_it(database: Database, table: str) -> None:
    told(database, scan(*some_weaknesses(3), at=100))
    before = everything(database)
    database.run(f"ALTER TABLE {table} RENAME TO hidden")
    with pytest.raises(StoreError):
        told(database, scan(*some_weaknesses(9), at=200, scanned={"src/a.py": "v2"}))
    database.run(f"ALTER TABLE hidden RENAME TO {table}")
    assert everything(database) == before
    assert list(flaws(database)) == []


def test_the_search_for_cycles_is_on_again_after_a_scan_and_after_a_failure(database: Database) -> None:
    import gc  # noqa: PLC0415 - only here

    told(database, scan(weakness(), at=100))
    assert gc.isenabled()
    database.run("DROP TABLE sighting")
    with pytest.raises(StoreError):
        told(database, scan(weakness("other"), at=200))
    assert gc.isenabled()


def test_writers_at_once_lose_nothing(database_url: str) -> None:
    def write(writer: int) -> int:
        database = open_for_writing(database_url)
        findings = [some_weaknesses(20, f"src/{writer}/{round_}.py") for round_ in range(5)]
        new = [told(database, scan(*some, at=100, scanner=f"scanner-{writer}")).new for some in findings]
        database.close()
        return sum(map(len, new))

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(write, range(6))) == [100] * 6
    database = open_for_reading(database_url)
    assert len(found(database)) == 600
    assert list(flaws(database)) == []
    database.close()


def test_the_same_scan_by_writers_at_once_is_new_once(database_url: str) -> None:
    def write(_: int) -> int:
        database = open_for_writing(database_url)
        new = told(database, scan(*some_weaknesses(50), at=100)).new
        database.close()
        return len(new)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(write, range(4))) == [0, 0, 0, 50]


def test_a_reader_sees_one_state_while_another_writes(database_url: str) -> None:
    writer = open_for_writing(database_url)
    told(writer, scan(weakness(), at=100))
    reader = open_for_reading(database_url)
    with reader.reading():
        assert len(found(reader)) == 1
        told(writer, scan(*some_weaknesses(), at=200, scanned={"src/a.py": "v2"}))
        assert len(found(reader)) == 1
        assert the_one(reader).closed_at is None
    assert len(found(reader)) == 6
    reader.close()
    writer.close()


def test_the_first_scan_is_stored_while_another_reads_the_empty_store(database_url: str) -> None:
    with closing(open_for_writing(database_url)) as writer, closing(open_for_reading(database_url)) as reader:
        with reader.reading():
            assert found(reader) == []
            told(writer, scan(weakness(), at=100))
            assert found(reader) == []
        assert len(found(reader)) == 1


@pytest.mark.parametrize("table", ["event", "finding", "coverage"])
def test_a_first_scan_that_fails_leaves_an_empty_store_that_takes_the_next(database_url: str, table: str) -> None:
    with closing(open_for_writing(database_url)) as writer:
        writer.run(f"ALTER TABLE {table} RENAME TO hidden")
        with pytest.raises(StoreError):
            told(writer, scan(*some_weaknesses(9), at=100))
        writer.run(f"ALTER TABLE hidden RENAME TO {table}")
        assert found(writer) == []
        told(writer, scan(weakness(), at=100))
    with closing(open_for_reading(database_url)) as reader:
        assert len(found(reader)) == 1
        assert not list(flaws(reader))


INGEST = """
import sys
from fixby.store.opening import open_for_writing
from tests.stories import scan, told, weakness
database = open_for_writing(sys.argv[1])
version, count = sys.argv[2], int(sys.argv[3])
findings = [weakness(f"eval({version}, {number})", path=f"src/{number % 50}.py") for number in range(count)]
findings += [weakness(f"eval({number})", path=f"src/{number % 50}.py", message=version) for number in range(count)]
one = scan(*findings, at=int(version), scanned={f"src/{number}.py": version for number in range(50)})
print("now", flush=True)
told(database, one)
print("done", flush=True)
"""


def ingesting(url: str, version: int, count: int = 1000) -> subprocess.Popen[str]:
    """A process that stores 2,000 findings, half of them new, half of them changed, and so fixes 1,000 others."""
    return subprocess.Popen(
        [sys.executable, "-c", INGEST, url, str(version), str(count)],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        text=True,
    )


def kills() -> Iterator[int]:
    yield from range(1, 1 + int(os.environ.get("FIXBY_TEST_KILLS", "5")))


def test_a_store_whose_writer_is_killed_is_whole_and_takes_the_next_scan(database_url: str) -> None:
    chance = random.Random(7)  # noqa: S311 - it picks instants
    seconds = timed(database_url)
    for version in kills():
        with ingesting(database_url, 100 + version) as process:
            assert process.stdout
            assert process.stdout.readline() == "now\n"
            time.sleep(chance.uniform(0, seconds))
            process.kill()
        database = open_for_writing(database_url)
        assert list(flaws(database)) == []
        assert told(database, scan(weakness("after", path="other.py"), at=1000 + version, scanner="other")).seq
        database.close()


def timed(url: str) -> float:
    """How long an ingestion takes that is left alone."""
    with ingesting(url, 1) as process:
        assert process.stdout
        process.stdout.readline()
        start = time.monotonic()
        assert process.stdout.readline() == "done\n"
        return time.monotonic() - start


def test_a_scan_larger_than_a_piece_is_stored_whole(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingestion, "_PIECE", 7)
    told(database, scan(*some_weaknesses(40), at=100))
    told(database, scan(*some_weaknesses(20), at=200, scanned={"src/a.py": "v2"}))
    assert len(found(database, "is:open")) == 20
    assert list(flaws(database)) == []


def test_the_one_who_records_is_named_in_the_log(database: Database) -> None:
    record(database, scan(weakness(), at=100), Occasion(Asset("web"), "ada", 123, shipped()))
    assert {tuple(row) for row in database.run("SELECT actor, at FROM event")} == {("ada", 123)}


def test_the_log_never_goes_back_in_time(database: Database) -> None:
    for now in (500, 100, 600):
        record(database, scan(weakness(str(now)), at=100), Occasion(Asset("web"), "ada", now, shipped()))
    instants = [at for (at,) in database.run("SELECT at FROM event ORDER BY seq")]
    assert instants == sorted(instants, key=lambda at: int(str(at)))
