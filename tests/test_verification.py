"""Whatever is changed behind Fixby's back is found, in a store of each kind."""

# ruff: noqa: S608 - names of tables and columns are ours

import random
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import product

import pytest

from fixby.asset import Asset
from fixby.decision import Acceptance
from fixby.errors import StoreError
from fixby.outline import outline
from fixby.store import decisions, exploitation, log
from fixby.store.codec import encoded
from fixby.store.database import Database, Row, Value
from fixby.store.decisions import By
from fixby.store.log import BEGINNING
from fixby.store.tables import metadata
from fixby.store.verification import flaws
from tests.stories import DAY, REGRESSION_WINDOW, scan, secret, the_one, told, vulnerability, weakness

KEYS = {table.name: [column.name for column in table.primary_key] for table in metadata.sorted_tables}
COLUMNS = {table.name: [column.name for column in table.columns] for table in metadata.sorted_tables}
TABLES = tuple(name for name in COLUMNS if name != "meta")


@pytest.fixture
def eventful(database: Database) -> Database:
    """A store in which something of each kind happened."""
    package = {"requirements.txt#django": "4.0"}
    lines = {"src/a.py": outline("\n".join("abcdefghi"))}
    first = scan(weakness(), weakness("exec(x)", line=5), secret(), at=100, outlines=lines)
    told(database, first, asset=Asset("web", tier="1"))
    told(database, scan(vulnerability(), at=110, scanner="pip-audit", scanned=package))
    told(database, scan(vulnerability(scanner="trivy"), at=120, scanner="trivy", scanned=package))
    told(database, scan(weakness(), at=200, scanned={"src/a.py": "v2"}))
    told(database, scan(weakness(line=9), secret(), at=300, scanned={"src/a.py": "v2"}))
    told(database, scan(at=400, scanned={"src/a.py": "v2"}))
    told(database, scan(weakness(line=9), secret(), at=450, scanned={"src/a.py": "v2"}))
    told(database, scan(at=500, scanned={"src/a.py": "v3"}))
    told(database, scan(at=510, scanner="trivy", scanned={"requirements.txt#django": "4.2"}))
    told(database, scan(weakness(), at=600 + REGRESSION_WINDOW, outlines=lines))
    edited = {"src/a.py": outline("\n".join("ABCDEFGHI"))}
    told(database, scan(weakness("eval(words)"), at=610 + REGRESSION_WINDOW, outlines=edited))
    two = [vulnerability("flask", names=(name,)) for name in ("CVE-2025-1", "GHSA-2222-2222-2222")]
    told(database, scan(*two, at=620 + REGRESSION_WINDOW, scanner="pip-audit"))
    one = vulnerability("flask", names=("CVE-2025-1", "GHSA-2222-2222-2222"))
    told(database, scan(one, at=630 + REGRESSION_WINDOW, scanner="pip-audit"))
    decided(database, 700 + REGRESSION_WINDOW)
    return database


def decided(database: Database, now: int) -> None:
    """Every kind of decision, and news of exploitation."""
    ada, id_ = By("ada", now), the_one(database, "is:open category:code").id
    decisions.accept(database, [id_], Acceptance("ada", "not reachable", now + DAY), ada)
    decisions.approve(database, [id_], By("bob", now))
    decisions.revoke(database, [id_], "reachable", ada)
    decisions.dismiss(database, [id_], "generated", ada)
    decisions.reinstate(database, [id_], "by hand", ada)
    decisions.assign(database, [id_], "bob", ada)
    decisions.tag(database, [id_], ["login"], [], ada)
    decisions.comment(database, [id_], "soon", ada)
    exploitation.record(database, lambda _names: (True, 7), ada, {"known_date": "2026-11-20"})


@contextmanager
def undone(database: Database) -> Iterator[None]:
    """What is done inside is undone at the end."""

    class Undo(Exception):  # noqa: N818 - what rolls a transaction back
        pass

    with suppress(Undo), database.writing():
        yield
        raise Undo


def rows(database: Database, table: str) -> list[Row]:
    keys = ", ".join(KEYS[table])
    return database.run(f"SELECT {', '.join(COLUMNS[table])} FROM {table} ORDER BY {keys}")


def change(database: Database, table: str, row: Row, column: str, value: Value) -> None:
    """Write another value into one column of one row."""
    key = {name: content for name, content in zip(COLUMNS[table], row, strict=True) if name in KEYS[table]}
    where = " AND ".join(f"{name} = :{name}_" for name in key)
    named = {f"{name}_": content for name, content in key.items()}
    database.run(f"UPDATE {table} SET {column} = :value WHERE {where}", value=value, **named)


def test_an_eventful_store_is_whole(eventful: Database) -> None:
    assert list(flaws(eventful)) == []
    kinds = {str(kind).removeprefix("finding.") for (kind,) in eventful.run("SELECT DISTINCT kind FROM event")}
    expected = {"detected", "sighted", "changed", "observed", "not_observed", "unsighted", "fixed", "reopened"}
    expected |= {"carried", "merged", "accepted", "approved", "revoked", "dismissed", "reinstated", "rated"}
    expected |= {"assigned", "tagged", "commented"}
    assert kinds == expected | {"scan.recorded", "policy.adopted", "asset.described", "exploitation.updated"}
    assert all(rows(eventful, table) for table in TABLES)


@pytest.mark.parametrize("table", TABLES)
def test_each_changed_field_is_found(eventful: Database, table: str) -> None:
    stored = rows(eventful, table)
    chance = random.Random(table)  # noqa: S311 - it picks rows
    for column, values in zip(COLUMNS[table], zip(*stored, strict=True), strict=True):
        for number in {0, len(stored) - 1, chance.randrange(len(stored))}:
            for value in others(values[number]):
                with undone(eventful):
                    change(eventful, table, stored[number], column, value)
                    assert list(flaws(eventful)), f"{value!r} as {column} of {stored[number]}"
    assert list(flaws(eventful)) == []


def others(before: Value) -> list[Value]:
    """What somebody might write instead."""
    match before:
        case None:
            return [1]
        case int():
            return [before + 1, before - 1] if before > 1000 else [before + 1000]
        case bytes():
            return [b"", before[:-1], zlib.compress(b"{}")]
        case _:
            return ["", f"{before} ", "0" * 64] if before else [" "]


@pytest.mark.parametrize("table", TABLES)
def test_a_dropped_row_is_found(eventful: Database, table: str) -> None:
    for row in rows(eventful, table):
        key = {name: content for name, content in zip(COLUMNS[table], row, strict=True) if name in KEYS[table]}
        with undone(eventful):
            eventful.run(f"DELETE FROM {table} WHERE {' AND '.join(f'{name} = :{name}' for name in key)}", **key)
            assert list(flaws(eventful)), row


@pytest.mark.parametrize("table", ["event", "scan", "finding", "sighting", "running_segment"])
def test_an_added_row_is_found(eventful: Database, table: str) -> None:
    first = rows(eventful, table)[0]
    for other in (-1, 0, 1000) if isinstance(first[0], int) else ("f" * 64,):
        with undone(eventful):
            eventful.insert(table, COLUMNS[table], [(other, *first[1:])])
            assert list(flaws(eventful)), other


def test_two_events_that_changed_places_are_found(eventful: Database) -> None:
    stored = rows(eventful, "event")
    chance = random.Random(1)  # noqa: S311 - it picks rows
    for one, other in [chance.sample(stored, 2) for _ in range(10)]:
        with undone(eventful):
            eventful.run("DELETE FROM event WHERE seq IN (:one, :other)", one=one[0], other=other[0])
            eventful.insert("event", COLUMNS["event"], [(one[0], *other[1:]), (other[0], *one[1:])])
            assert list(flaws(eventful))


def test_a_flaw_says_which_event_it_is(eventful: Database) -> None:
    with undone(eventful):
        eventful.run("UPDATE event SET actor = 'eve' WHERE seq = 3")
        eventful.run("DELETE FROM event WHERE seq = 5")
        assert list(flaws(eventful)) == [
            "event 3 was changed: its hash does not follow from its content and event 2",
            "event 5 is missing: after event 4 comes event 6",
            f"the log holds {len(rows(eventful, 'event'))} events, but its last one is event {log.head(eventful).seq}",
        ]


def test_a_newest_event_that_was_cut_off_is_named(eventful: Database) -> None:
    last = log.head(eventful).seq
    with undone(eventful):
        eventful.run("DELETE FROM event WHERE seq = :last", last=last)
        assert list(flaws(eventful)) == [f"the log ends with event {last - 1}, but event {last} was written"]


def test_a_flaw_says_which_finding_it_is(eventful: Database) -> None:
    id_ = the_one(eventful, "package:django").id
    with undone(eventful):
        eventful.run("UPDATE finding SET severity = 0 WHERE id = :id", id=id_)
        assert list(flaws(eventful)) == [f"finding {id_} is not what the log tells of it"]


@pytest.mark.parametrize("head", ["", "1 2", "x y z", "1 2 3 4", None])
def test_a_damaged_head_of_the_log_is_a_flaw_and_stops_writers(eventful: Database, head: str | None) -> None:
    with undone(eventful):
        if head is None:
            eventful.run("DELETE FROM meta WHERE key = 'head'")
        else:
            eventful.run("UPDATE meta SET value = :head WHERE key = 'head'", head=head)
        [flaw] = flaws(eventful)
        assert "does not say where its log ends" in flaw
        with pytest.raises(StoreError, match="does not say where its log ends"):
            log.head(eventful)


BODIES = (
    *("", "{", "null", "3", "[]", "{}", '"x"', '{"finding": 3}', '{"finding": {}, "scanner": []}'),
    '{"scanner": "bandit"}',
    '{"scanner": {}, "observed_at": "x", "reason": 1, "last_scan": null}',
)


def test_an_event_that_fixby_never_wrote_is_a_flaw_even_in_a_chain_that_holds(eventful: Database) -> None:
    first_of_each_kind = eventful.run("SELECT min(seq) FROM event GROUP BY kind")
    for (seq,), body in product(first_of_each_kind, BODIES):
        with undone(eventful):
            eventful.run("UPDATE event SET body = :body WHERE seq = :seq", body=body, seq=seq)
            chain_anew(eventful)
            assert list(flaws(eventful)), (seq, body)


def test_a_finding_that_was_forged_into_a_chain_that_holds_is_a_flaw(eventful: Database) -> None:
    with undone(eventful):
        eventful.run("UPDATE event SET subject = 'x' WHERE kind = 'finding.fixed'")
        chain_anew(eventful)
        assert list(flaws(eventful))


def chain_anew(database: Database) -> None:
    """What a forger does who knows how the hashes are made."""
    last = BEGINNING
    for event, _ in list(log.events(database)):
        last = event.hash_after(last)
        database.run("UPDATE event SET hash = :hash WHERE seq = :seq", hash=last, seq=event.seq)
    database.run("UPDATE meta SET value = :head WHERE key = 'head'", head=f"{event.seq} {event.at} {last}")
    assert list(log.flaws(database)) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("column", ["actor", "kind", "subject", "body", "hash"])
@pytest.mark.parametrize("value", ["X'FF'", "CAST(X'FF' AS TEXT)", "7", "1.5"])
def test_what_sqlite_takes_for_a_text_is_a_flaw_and_no_crash(eventful: Database, column: str, value: str) -> None:
    eventful.run(f"UPDATE event SET {column} = {value} WHERE seq = 4")
    assert list(flaws(eventful))


def test_the_log_is_read_piece_by_piece(eventful: Database) -> None:
    whole = list(log.events(eventful))
    assert [list(log.events(eventful, piece=piece)) for piece in (1, 2, len(whole), len(whole) + 1)] == [whole] * 4


@pytest.mark.parametrize("toml", ["no = [policy", 'name = "empty"\n', 7])
def test_a_policy_that_is_none_is_told_even_if_its_event_is_chained(eventful: Database, toml: object) -> None:
    after = log.head(eventful)
    body = encoded({"asset": "web", "name": "forged", "digest": "0", "toml": toml}).decode()
    with eventful.writing():
        log.append(eventful, after, [log.Event(after.seq + 1, after.at, "eve", "policy.adopted", "", body)])
    told_of = list(flaws(eventful))
    assert any(f"event {after.seq + 1} is none that Fixby writes" in flaw for flaw in told_of)
