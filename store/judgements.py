"""What a gate said, written down as evidence: what it demanded, what it was asked on, and its whole answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from fixby.errors import StoreError, UsageError
from fixby.store.codec import encoded
from fixby.store.database import Database
from fixby.store.log import Event, append, head
from fixby.store.projection import GATE_JUDGED


@dataclass(frozen=True, slots=True)
class Judged:
    """The judgement of an asset at an instant, by the gate of this name, digest and TOML.

    It was evaluated on the state after the event that `snapshot` gives the number and hash of. `document` is what
    `gate --json` prints, without the number of the event that holds it.
    """

    asset: str
    name: str
    digest: str
    toml: str
    evaluated_at: int
    snapshot: str
    verdict: str
    document: Mapping[str, Any]

    @property
    def seq(self) -> int:
        """The number of the last event that was considered."""
        return int(self.snapshot.partition(":")[0])


@dataclass(frozen=True, slots=True)
class RecordedJudgement:
    """A judgement with the number of its event, who asked for it, and when it was written down."""

    seq: int
    recorded_at: int
    actor: str
    judged: Judged


def record(database: Database, judged: Judged, actor: str, now: int) -> int:
    """Write a judgement down; the number of its event. Raises `StoreError`; then nothing was written."""
    body = encoded(judged).decode()
    with database.writing():
        after = head(database)
        event = Event(after.seq + 1, max(after.at, now), actor, GATE_JUDGED, f"gate:{judged.asset}", body)
        append(database, after, [event])
    return event.seq


def judgement(database: Database, seq: int) -> RecordedJudgement:
    """The judgement of an event. Raises `UsageError` where that is none, `StoreError` where it cannot be read."""
    statement = "SELECT at, actor, body FROM event WHERE seq = :seq AND kind = :kind"
    rows: Any = database.run(statement, seq=seq, kind=GATE_JUDGED)
    if not rows:
        raise UsageError(f"No judgement of a gate is event {seq}.", "Write one down first: fixby gate --record")
    [(at, actor, body)] = rows
    try:
        return RecordedJudgement(seq, at, actor, Judged(**orjson.loads(body)))
    except (TypeError, ValueError) as error:
        raise StoreError(f"Event {seq} is no judgement that Fixby writes: {error}.") from error
