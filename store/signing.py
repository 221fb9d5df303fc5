"""Decisions are signed before they are written down: of their events a statement is made, and its signature kept."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import orjson

from fixby.decision import Decision
from fixby.errors import UsageError
from fixby.policies.sign_off import Matter, statement
from fixby.severity import Severity
from fixby.store.codec import encoded
from fixby.store.database import Database
from fixby.store.log import Event, selected
from fixby.store.opening import store_id
from fixby.store.statements import SIGNED, Signature, last_hashes, matter, requests, signature_of


@dataclass(frozen=True, slots=True)
class Signing:
    """How a decision is signed.

    `sign` takes a statement and the UTC second of the decision, and gives the armoured signature and the fingerprint of
    its key, or None where nothing is to be decided after all. `at` is the second that the statement tells, None for
    that of the decision.
    """

    sign: Callable[[str, int], tuple[str, str] | None]
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """An event to be signed: its finding's severity, and the number of the request that it approves, if it does."""

    event: Event
    severity: Severity
    approves: int = 0


def is_signed(database: Database, seq: int) -> bool:
    """Whether the request for an acceptance in the event of number `seq` is signed."""
    return any(_keys(event for event, _ in requests(database, [seq]).values()))


def with_signature(database: Database, drafts: Sequence[Draft], signing: Signing) -> list[Event]:
    """Requests or approvals, all of one second and by one person, signed together; none where nobody signs after all.

    Raises `UsageError` where the key has signed for one of the acceptances already, or what is signed is of the future.
    """
    first = drafts[0].event
    told_at = first.at if signing.at is None else signing.at
    if told_at > first.at:
        raise UsageError(
            "What was signed tells an instant in the future.", "Set the clock of the machine that told it."
        )
    text = statement(store_id(database), first.actor, told_at, _matters(database, drafts))
    signed = signing.sign(text, first.at)
    if signed is None:
        return []
    _refuse_a_key_twice(database, drafts, signed[1])
    kept = Signature(*signed, first=first.seq, count=len(drafts), at=told_at, severity="")
    return [_with(one.event, replace(kept, severity=str(one.severity), approves=one.approves)) for one in drafts]


def _matters(database: Database, drafts: Sequence[Draft]) -> Iterator[Matter]:
    asked = requests(database, [one.approves for one in drafts if one.approves])
    last = last_hashes(database, (one.event.subject for one in drafts))
    for one in drafts:
        request, hash_ = asked[one.approves] if one.approves else (one.event, "")
        words, id_ = orjson.loads(request.body), one.event.subject
        yield matter(words, id_, one.severity, request.actor, (last[id_], hash_))


def _refuse_a_key_twice(database: Database, drafts: Sequence[Draft], key: str) -> None:
    for one in drafts:
        if one.approves:
            since = "seq >= :first AND subject = :id AND kind IN (:accepted, :approved)"
            named = {"accepted": str(Decision.ACCEPTED), "approved": str(Decision.APPROVED), "id": one.event.subject}
            if key in _keys(selected(database, since, first=one.approves, **named)):
                message = f"The key {key} has signed for the acceptance of {one.event.subject[:10]} already."
                raise UsageError(message, "Whoever approves signs with a key of their own.")


def _with(event: Event, kept: Signature) -> Event:
    return replace(event, body=encoded({**orjson.loads(event.body), SIGNED: asdict(kept)}).decode())


def _keys(events: Iterable[Event]) -> Iterator[str]:
    return (kept.key for event in events if (kept := signature_of(event)))
