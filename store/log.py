"""The event log: append-only, numbered, each event's hash covering the one before it.

The hash of an event is the SHA-256 of seven lines: the hash before it (64 zeros for the first), its number, its second,
who acted, its kind, its subject, its body. The number and hash of the last event stand in `meta` under `head`, so that
dropping the newest events is seen too.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from fixby.errors import StoreError
from fixby.store.database import Database, Row

COLUMNS = ("seq", "at", "actor", "kind", "subject", "body", "hash")
BEGINNING = "0" * 64


@dataclass(slots=True)
class Event:
    """One thing that happened. `at` is a UTC instant in seconds; `subject` the id of a finding, or empty.

    `told` is what `body` says, where its writer still has it: to parse it again takes as long as to write it. There a
    finding stands as itself.
    """

    seq: int
    at: int
    actor: str
    kind: str
    subject: str
    body: str
    told: Mapping[str, object] | None = field(default=None, compare=False, repr=False)

    def hash_after(self, previous: str) -> str:
        """The hash of this event behind an event of hash `previous`."""
        lines = f"{previous}\n{self.seq}\n{self.at}\n{self.actor}\n{self.kind}\n{self.subject}\n{self.body}"
        return sha256(lines.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Head:
    """The last event of the log."""

    seq: int
    at: int
    hash: str


def head(database: Database) -> Head:
    """The last event that was appended. Raises `StoreError` where the store does not say."""
    try:
        [(text,)] = database.run("SELECT value FROM meta WHERE key = 'head'")
        seq, at, last_hash = str(text).split(" ")
        return Head(int(seq), int(at), last_hash)
    except ValueError as error:
        message = f"The store {database.place} does not say where its log ends."
        raise StoreError(message, "Restore it from a backup: it was changed by something else.") from error


def append(database: Database, after: Head, events: Iterable[Event]) -> Head:
    """Append events numbered from `after.seq + 1` on, inside a writing transaction; gives the new head."""
    seq, at, last_hash = after.seq, after.at, after.hash

    def rows() -> Iterator[Row]:
        nonlocal seq, at, last_hash
        for event in events:
            seq, at, last_hash = event.seq, event.at, event.hash_after(last_hash)
            yield (seq, at, event.actor, event.kind, event.subject, event.body, last_hash)

    database.insert("event", COLUMNS, rows())
    database.run("UPDATE meta SET value = :value WHERE key = 'head'", value=f"{seq} {at} {last_hash}")
    return Head(seq, at, last_hash)


def events(database: Database, *, piece: int = 10_000) -> Iterator[tuple[Event, str]]:
    """All events in order, each with the hash that is stored for it."""
    seq = 0
    columns = ", ".join(COLUMNS)
    while True:
        rows = database.run(
            f"SELECT {columns} FROM event WHERE seq > :seq ORDER BY seq LIMIT :piece",
            seq=seq,
            piece=piece,
        )
        for row in rows:
            yield Event(*row[:6]), str(row[6])  # type: ignore[arg-type]
        if len(rows) < piece:
            return
        seq = int(rows[-1][0] or 0)


def selected(database: Database, which: str, **named: str | int) -> Iterator[Event]:
    """The events that a condition selects, in order."""
    rows: Any = database.run(f"SELECT {', '.join(COLUMNS[:-1])} FROM event WHERE {which} ORDER BY seq", **named)
    return (Event(*row) for row in rows)


def flaws(database: Database) -> Iterator[str]:
    """Sentences that say where the log was changed, cut or reordered; none where it is whole."""
    last = Head(0, 0, BEGINNING)
    for event, stored in events(database):
        if event.seq != last.seq + 1:
            yield f"event {last.seq + 1} is missing: after event {last.seq} comes event {event.seq}"
        elif event.hash_after(last.hash) != stored:
            yield f"event {event.seq} was changed: its hash does not follow from its content and event {last.seq}"
        last = Head(event.seq, event.at, stored)
    written = head(database)
    if written != last:
        yield f"the log ends with event {last.seq}, but event {written.seq} was written"
    [(count,)] = database.run("SELECT count(*) FROM event")
    if count != last.seq:
        yield f"the log holds {count!s} events, but its last one is event {last.seq}"
