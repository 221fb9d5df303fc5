"""What was signed of decisions in the log: the statement is made again of the events, and never stored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from fixby.decision import Acceptance, Decision
from fixby.policies.sign_off import Matter, Signed, statement
from fixby.severity import Severity
from fixby.store.conversion import text
from fixby.store.database import Database
from fixby.store.log import Event
from fixby.store.opening import store_id
from fixby.store.rows import marks_for, pieces

SIGNED = "signature"
"""The key in an event's body under which it keeps its `Signature`."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What an event keeps of a signature under it, and under `count - 1` others from the event `first` on.

    `text` is OpenSSH's armoured signature, `key` the fingerprint of its key as it was proved then. `at`, a UTC second,
    and `severity`, the finding's, stand in the statement. `approves` is the number of the event that is approved, or 0.
    """

    text: str
    key: str
    first: int
    count: int
    at: int
    severity: str
    approves: int = 0


def signature_of(event: Event) -> Signature | None:
    """The signature that an event keeps, or None. Raises `TypeError` for what Fixby does not write."""
    kept = orjson.loads(event.body).get(SIGNED)
    if kept is None:
        return None
    signature = Signature(**kept)
    words = (signature.text, signature.key, signature.severity)
    numbers = (signature.first, signature.count, signature.at, signature.approves)
    if not all(isinstance(word, str) for word in words) or not all(map(_is_number, numbers)):
        raise TypeError("it is no signature")
    return signature


def signed(database: Database, events: Iterable[Event]) -> dict[int, Signed]:
    """What was signed under events, by their numbers; those that Fixby could not have written are left out."""
    groups: set[tuple[int, int]] = set()
    for event in events:
        try:
            kept = signature_of(event)
        except TypeError:
            continue
        if kept:
            groups.add((kept.first, kept.count))
    store = store_id(database)
    found: dict[int, Signed] = {}
    for first, count in sorted(groups):
        try:
            some = _group(database, first, count)
            what = _signed(database, store, some)
        except _NOT_OURS:
            continue
        found.update((one.event.seq, what) for one in some)
    return found


def last_hashes(database: Database, ids: Iterable[str]) -> dict[str, str]:
    """The hash of the last event of each finding."""
    found: dict[str, str] = {}
    for some in pieces(ids):
        marks, named = marks_for(some)
        last = f"SELECT max(seq) FROM event WHERE subject IN ({marks}) GROUP BY subject"
        rows = database.run(f"SELECT subject, hash FROM event WHERE seq IN ({last})", **named)
        found.update((str(id_), str(hash_)) for id_, hash_ in rows)
    return found


def requests(database: Database, numbers: Iterable[int]) -> dict[int, tuple[Event, str]]:
    """The events of these numbers that asked for an acceptance, each with its hash."""
    found: dict[int, tuple[Event, str]] = {}
    for some in pieces(map(str, sorted(set(numbers)))):
        rows: Any = database.run(
            "SELECT seq, at, actor, kind, subject, body, hash FROM event"
            f" WHERE seq IN ({', '.join(some)}) AND kind = :kind",
            kind=str(Decision.ACCEPTED),
        )
        found.update((row[0], (Event(*row[:6]), row[6])) for row in rows)
    return found


def matter(of: Mapping[str, Any], finding: str, severity: str, requester: str, hashes: tuple[str, str]) -> Matter:
    """A finding in a statement: the terms are those of the body of the event that asked.

    `hashes` are that of the finding's last event, and of the event that is approved, empty for a request.
    """
    terms = Acceptance(text(of["owner"]), text(of["reason"]), of["until"], text(of["mitigation"]))
    return Matter(finding, Severity(severity), hashes[0], requester, terms, hashes[1])


@dataclass(frozen=True, slots=True)
class _Kept:
    """An event with what it keeps of its signature, and the hash of its finding's event before it."""

    event: Event
    signature: Signature
    before: str


_NOT_OURS = (KeyError, TypeError, ValueError, OverflowError, OSError)
"""What is raised for events that Fixby did not write."""


def _is_number(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _group(database: Database, first: int, count: int) -> list[_Kept]:
    """The events that were signed together; of those in between only what keeps a signature."""
    before = "SELECT hash FROM event AS other WHERE other.subject = event.subject AND other.seq < event.seq"
    rows: Any = database.run(
        f"SELECT seq, at, actor, kind, subject, body, ({before} ORDER BY other.seq DESC LIMIT 1) FROM event"
        " WHERE seq >= :first AND seq < :after AND kind IN (:accepted, :approved) ORDER BY seq",
        first=first,
        after=first + count,
        accepted=str(Decision.ACCEPTED),
        approved=str(Decision.APPROVED),
    )
    events = [(Event(*row[:6]), row[6]) for row in rows]
    return [_Kept(event, kept, hash_) for event, hash_ in events if (kept := signature_of(event))]


def _signed(database: Database, store: str, some: Sequence[_Kept]) -> Signed:
    """What was signed under some events: others than those that were give another text, which the signature is not of.

    Raises one of `_NOT_OURS` where they were not signed together.
    """
    [(at, actor, signature, told_at)] = {
        (one.event.at, one.event.actor, one.signature.text, one.signature.at) for one in some
    }
    asked = requests(database, [one.signature.approves for one in some if one.signature.approves])
    return Signed(statement(store, actor, told_at, [_matter(one, asked) for one in some]), signature, actor, at)


def _matter(one: _Kept, asked: Mapping[int, tuple[Event, str]]) -> Matter:
    if one.event.kind == Decision.ACCEPTED:
        request, hash_ = one.event, ""
    else:
        request, hash_ = asked[one.signature.approves]
    body = orjson.loads(request.body)
    return matter(body, one.event.subject, one.signature.severity, request.actor, (one.before, hash_))
