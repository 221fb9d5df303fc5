"""What people vouch for and no scanner sees, written down: a restore drill, a penetration test that was closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from fixby.store.codec import encoded
from fixby.store.database import Database
from fixby.store.log import Event, append, head
from fixby.store.projection import ATTESTATION_RECORDED
from fixby.store.rows import marks_for


@dataclass(frozen=True, slots=True)
class Evidence:
    """What bears an attestation out: the name of a file with the SHA-256 of its content, or an address without one."""

    name: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Attestation:
    """A thing of a `kind` was done for an asset at the instant `at`, and holds until `until`, if that is said."""

    asset: str
    kind: str
    at: int
    until: int | None = None
    note: str = ""
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class RecordedAttestation:
    """An attestation with the number of its event, who made it, and when it was written down."""

    seq: int
    recorded_at: int
    actor: str
    attestation: Attestation


def attest(database: Database, attestation: Attestation, actor: str, now: int) -> RecordedAttestation:
    """Write an attestation down. Raises `StoreError`; then nothing was written."""
    body = encoded(attestation).decode()
    with database.writing():
        after = head(database)
        at, subject = max(after.at, now), _subject(attestation.kind)
        event = Event(after.seq + 1, at, actor, ATTESTATION_RECORDED, subject, body)
        append(database, after, [event])
    return RecordedAttestation(event.seq, event.at, actor, attestation)


def attestations(database: Database, asset: str, kinds: Sequence[str]) -> list[RecordedAttestation]:
    """The attestations of some kinds that were made for an asset, in the order in which they were written down."""
    if not kinds:
        return []
    marks, named = marks_for([_subject(kind) for kind in kinds])
    rows: Any = database.run(
        f"SELECT seq, at, actor, body FROM event WHERE subject IN ({marks}) AND kind = :kind ORDER BY seq",
        kind=ATTESTATION_RECORDED,
        **named,
    )
    some = (RecordedAttestation(seq, at, actor, _decoded(body)) for seq, at, actor, body in rows)
    return [one for one in some if one.attestation.asset == asset]


def kinds(database: Database) -> list[str]:
    """The kinds of all attestations that were ever made, sorted."""
    rows = database.run("SELECT DISTINCT subject FROM event WHERE subject LIKE :prefix", prefix=f"{_PREFIX}%")
    return sorted(str(subject).removeprefix(_PREFIX) for (subject,) in rows)


_PREFIX = "attestation:"


def _subject(kind: str) -> str:
    return f"{_PREFIX}{kind}"


def _decoded(body: str) -> Attestation:
    document = orjson.loads(body)
    evidence = document.pop("evidence")
    return Attestation(**document, evidence=Evidence(**evidence) if evidence else None)
