"""Notices: what became due, breached, came back or lost its acceptance since the last one, and which were delivered.

A notice is written down before it is sent, and again when it was: whoever is cut off in between sends the same one,
under the same id, next time.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from fixby.lifecycle import Change
from fixby.sla.sql import BREACHED, STATUS
from fixby.store.codec import encoded
from fixby.store.database import Database
from fixby.store.log import Event, append, head
from fixby.store.projection import NOTICE_PREPARED, NOTICE_SENT


@dataclass(frozen=True, slots=True)
class News:
    """The open findings, by id, to which something happened after `since` and until `until`, UTC seconds."""

    since: int
    until: int
    breached: tuple[str, ...]
    due_soon: tuple[str, ...]
    reopened: tuple[str, ...]
    void: tuple[str, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys((*self.breached, *self.due_soon, *self.reopened, *self.void)))


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice to a receiver: its id, the end of the time that it tells of, and its text."""

    id: str
    receiver: str
    until: int
    text: str


def news(database: Database, asset: str, since: int, until: int) -> News:
    """What happened to an asset's open findings, the first due first."""

    def ids(where: str, **named: str) -> tuple[str, ...]:
        rows = database.run(
            f"SELECT id FROM finding WHERE asset = :asset AND closed_at IS NULL AND dismissed_at IS NULL AND {where}"
            " ORDER BY due_at IS NULL, due_at, id",
            asset=asset,
            since=since,
            now=until,
            **named,
        )
        return tuple(str(id_) for (id_,) in rows)

    events = "id IN (SELECT subject FROM event WHERE kind = :kind AND at > :since AND at <= :now)"
    voids = "SELECT finding_id FROM acceptance WHERE ended_because LIKE 'void:%' AND ended_at > :since"
    return News(
        since,
        until,
        breached=ids(f"{BREACHED} AND due_at >= :since"),
        due_soon=ids(f"({STATUS}) = 'due_soon' AND soon_at > :since"),
        reopened=ids(events, kind=str(Change.REOPENED)),
        void=ids(f"id IN ({voids} AND ended_at <= :now)"),
    )


def last_until(database: Database, asset: str, receiver: str) -> int | None:
    """The end of the time that the last notice to a receiver told of, or None where there was none."""
    prepared = _last(database, NOTICE_PREPARED, asset, receiver)
    return int(prepared["until"]) if prepared else None


def undelivered(database: Database, asset: str, receiver: str) -> Notice | None:
    """The last notice to a receiver, where nobody knows that it arrived."""
    prepared, sent = (_last(database, kind, asset, receiver) for kind in (NOTICE_PREPARED, NOTICE_SENT))
    if not prepared or (sent and sent["id"] == prepared["id"]):
        return None
    return Notice(prepared["id"], receiver, prepared["until"], prepared["text"])


def prepare(database: Database, asset: str, receiver: str, until: int, text: str) -> Notice:
    """Write a notice down that is about to be sent."""
    digest = sha256(encoded([asset, receiver, until, text])).hexdigest()
    notice = Notice(digest, receiver, until, text)
    body = {"asset": asset, "receiver": receiver, "id": digest, "until": until, "text": text}
    _append(database, NOTICE_PREPARED, asset, body, until)
    return notice


def delivered(database: Database, asset: str, notice: Notice, now: int) -> None:
    """Write down that a notice arrived."""
    _append(database, NOTICE_SENT, asset, {"asset": asset, "receiver": notice.receiver, "id": notice.id}, now)


def _append(database: Database, kind: str, asset: str, body: dict[str, Any], now: int) -> None:
    with database.writing():
        after = head(database)
        subject = f"notice:{asset}:{body['receiver']}"
        append(
            database,
            after,
            [Event(after.seq + 1, max(after.at, now), "fixby", kind, subject, encoded(body).decode())],
        )


def _last(database: Database, kind: str, asset: str, receiver: str) -> dict[str, Any]:
    rows: Any = database.run(
        "SELECT body FROM event WHERE subject = :subject AND kind = :kind ORDER BY seq DESC LIMIT 1",
        subject=f"notice:{asset}:{receiver}",
        kind=kind,
    )
    return dict(orjson.loads(rows[0][0])) if rows else {}
