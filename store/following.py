"""A store that follows a log kept elsewhere: it takes over what is new there, and tells what it has itself."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import orjson

from fixby.errors import ConfigurationError, StoreError
from fixby.store import coverage, outlines
from fixby.store.database import Database
from fixby.store.log import COLUMNS, Event, Head, events, head
from fixby.store.opening import secret_key, store_id
from fixby.store.projecting import project, rebuild
from fixby.store.projection import ASSET_DESCRIBED, POLICY_ADOPTED, SCAN_RECORDED
from fixby.store.rows import marks_for, pieces
from fixby.store.segments import Documents, Identity, State
from fixby.store.terms import redate


def common(database: Database, state: State) -> int:
    """The number of the last event that the store and a state share, 0 for none."""
    low, high = 0, min(head(database).seq, state.head.seq)
    while low < high:
        middle = (low + high + 1) // 2
        if state.holds(middle, _hash(database, middle)):
            low = middle
        else:
            high = middle - 1
    return low


def extend(database: Database, after: Head, state: State) -> None:
    """Take over the events of a state after the store's last one, which it has too.

    Raises `StoreError` where the store was written to since, or an event is none that Fixby writes.
    """
    news = [event for event, _ in state.events[after.seq :]]
    with database.writing():
        _demand_head(database, after)
        last = after
        try:
            for start in range(0, len(news), _PIECE):
                some = news[start : start + _PIECE]
                last = project(database, last, some, sorted({event.subject for event in some if event.subject}))
            redate_described(database, news)
        except _NOT_OURS as error:
            raise StoreError(f"Event {last.seq + 1} of the state, or one soon after it, is none of Fixby's.") from error
        _keep(database, state.documents)


def replace(database: Database, before: Head, log: Iterable[tuple[Event, str]], documents: Documents) -> None:
    """Put another log in place of the store's own, whose last event is `before`, and make its rows anew.

    Raises `StoreError` as `extend` does; then the store is as it was.
    """
    with database.writing():
        _demand_head(database, before)
        for table in ("event", *_PROJECTED):
            database.run(f"DELETE FROM {table}")
        last: Sequence[str | int] = ()

        def rows() -> Iterable[Sequence[str | int]]:
            nonlocal last
            for event, hash_ in log:
                last = (event.seq, event.at, event.actor, event.kind, event.subject, event.body, hash_)
                yield last

        database.insert("event", COLUMNS, rows())
        if last:
            database.run(_SET, key="head", value=f"{last[0]} {last[1]} {last[-1]}")
        try:
            rebuild(database)
        except _NOT_OURS as error:
            raise StoreError("An event of the state is none of Fixby's.") from error
        _keep(database, documents)


def redate_described(database: Database, news: Iterable[Event]) -> None:
    """Give due dates and owners anew to the assets of which, or of whose policy, events tell; in a transaction."""
    named = {POLICY_ADOPTED: "asset", ASSET_DESCRIBED: "name"}
    adopted: dict[str, Event | None] = {}
    for one in news:
        if one.kind in named:
            asset = str(orjson.loads(one.body)[named[one.kind]])
            adopted[asset] = one if one.kind == POLICY_ADOPTED else adopted.get(asset)
    for asset, event in sorted(adopted.items(), key=lambda item: item[0]):
        redate(database, asset, event)


def adopt(database: Database, identity: Identity) -> None:
    """Make a store in which nothing ever happened another's: of its id, and under its key. Raises `StoreError`."""
    with database.writing():
        if head(database).seq:
            raise StoreError(f"The store {database.place} has a log of its own.", "Name another with --store.")
        database.run(_SET, key="store_id", value=identity.store_id)
        database.run(_SET, key="secret_key", value=identity.key.hex())


def take_over(database: Database, other: Database) -> None:
    """Make a store in which nothing ever happened what another is: its log, and what that names."""
    adopt(database, identity(other))
    log, documents = news(other, None)
    replace(database, head(database), log, documents)


def identity(database: Database) -> Identity:
    """Whose log the store has."""
    return Identity(store_id(database), secret_key(database))


def news(database: Database, state: State | None) -> tuple[list[tuple[Event, str]], Documents]:
    """The events of the store after the last one of a state that it follows, and the documents that they name."""
    known = state.documents if state else Documents()
    first = state.head.seq if state else 0
    some = [(event, hash_) for event, hash_ in events(database) if event.seq > first]
    found = Documents()
    for event, _ in some:
        body = orjson.loads(event.body)
        if event.kind == SCAN_RECORDED:
            _name_coverage(database, body["coverage"], known, found)
        digest = body.get("outline", "")
        if digest and digest not in known.outlines and (outline := outlines.load(database, digest)):
            found.outlines[digest] = outline
    return some, found


def remembered(database: Database) -> tuple[int, str]:
    """The number and hash of the last event that is known to have been on the branch; 0 and nothing for none."""
    rows = database.run("SELECT value FROM meta WHERE key = :key", key=_REMEMBERED)
    seq, _, hash_ = str(rows[0][0]).partition(":") if rows else ("0", "", "")
    return int(seq), hash_


def remember(database: Database, last: Head) -> None:
    """Remember that a log was on the branch up to its last event, so that its loss is noticed."""
    with database.writing():
        database.run("DELETE FROM meta WHERE key = :key", key=_REMEMBERED)
        database.insert("meta", ("key", "value"), [(_REMEMBERED, f"{last.seq}:{last.hash}")])


def copy(database: Database, file: Path) -> None:
    """Write an SQLite store into a new file."""
    database.run("VACUUM INTO :file", file=str(file))


_SET = "UPDATE meta SET value = :value WHERE key = :key"
_REMEMBERED = "state"
_PIECE = 5000
_NOT_OURS = (AttributeError, KeyError, TypeError, ValueError, IndexError, OverflowError, ConfigurationError)
"""What is raised for events that Fixby did not write."""

_PROJECTED = (
    *("finding", "sighting", "running_segment", "exploitation", "acceptance"),
    *("scan", "policy", "asset"),
)


def _hash(database: Database, seq: int) -> str:
    rows = database.run("SELECT hash FROM event WHERE seq = :seq", seq=seq)
    return str(rows[0][0]) if rows else ""


def _demand_head(database: Database, before: Head) -> None:
    if head(database) != before:
        raise StoreError(f"The store {database.place} was written to meanwhile.", "Try again when that is done.")


def _keep(database: Database, documents: Documents) -> None:
    """Keep the documents that are not kept yet; of outlines those only in whose files open findings were last seen."""
    for some in pieces(documents.coverage):
        marks, named = marks_for(some)
        rows = database.run(f"SELECT digest FROM coverage WHERE digest IN ({marks})", **named)
        for digest in set(some) - {str(row[0]) for row in rows}:
            coverage.restore(database, digest, documents.coverage[digest])
    outlines.keep(database, documents.outlines)


def _name_coverage(database: Database, digest: str, known: Documents, found: Documents) -> None:
    if digest in known.coverage or digest in found.coverage:
        return
    found.coverage[digest] = whole = coverage.document(database, digest)
    for part in coverage.parts(whole):
        if part not in known.coverage and part not in found.coverage:
            found.coverage[part] = coverage.document(database, part)
