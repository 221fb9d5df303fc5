"""The event log: append-only, numbered, each event's hash covering the one before it.

The hash of an event is the SHA-256 of seven lines: the hash before it (64 zeros for the first), its number, its second,
who acted, its kind, its subject, its body. The number and hash of the last event stand in `meta` under `head`, so that
dropping the newest events is seen too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from fixby.store.database import Database, Row

COLUMNS = ("seq", "at", "actor", "kind", "subject", "body", "hash")
BEGINNING = "0" * 64


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `at` is a UTC instant in seconds; `subject` the id of a finding, or empty."""

    seq: int
    at: int
    actor: str
    kind: str
    subject: str
    body: str

    def hash_after(self, previous: str) -> str:
        """The hash of this event behind an event of hash `previous`."""
        lines = (previous, str(self.seq), str(self.at), self.actor, self.kind, self.subject, self.body)
        return sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Head:
    """The last event of the log."""

    seq: int
    at: int
    hash: str


def head(database: Database) -> Head:
    """The last event that was appended."""
    [(text,)] = database.run("SELECT value FROM meta WHERE key = 'head'")
    seq, at, last_hash = str(text).split(" ")
    return Head(int(seq), int(at), last_hash)


def append(database: Database, after: Head, events: Iterable[Event]) -> Head:
    """Append events numbered from `after.seq + 1` on, inside a writing transaction; gives the new head."""
    last = after

    def rows() -> Iterator[Row]:
        nonlocal last
        for event in events:
            last = Head(event.seq, event.at, event.hash_after(last.hash))
            yield (event.seq, event.at, event.actor, event.kind, event.subject, event.body, last.hash)

    database.insert("event", COLUMNS, rows())
    database.run("UPDATE meta SET value = :value WHERE key = 'head'", value=f"{last.seq} {last.at} {last.hash}")
    return last


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


def flaws(database: Database) -> Iterator[str]:
    """Sentences that say where the log was changed, cut or reordered; none where it is whole."""
    previous, seq = BEGINNING, 0
    for event, stored in events(database):
        if event.seq != seq + 1:
            yield f"event {seq + 1} is missing: after event {seq} comes event {event.seq}"
        elif event.hash_after(previous) != stored:
            yield f"event {event.seq} was changed: its hash does not follow from its content and event {seq}"
        previous, seq = stored, event.seq
    last = head(database)
    if (last.seq, last.hash) != (seq, previous):
        yield f"the log ends with event {seq}, but event {last.seq} was written"
