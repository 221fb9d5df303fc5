"""What is remembered of sites from visit to visit: an event for each change, of which the last one counts."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from fixby.store.codec import encoded
from fixby.store.database import Database
from fixby.store.log import Event, append, head
from fixby.store.projection import SITE_SEEN
from fixby.store.rows import marks_for, pieces


def remembered(database: Database, asset: str, units: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """What is remembered of those of some URLs that were ever seen, as it was given to `remember`."""
    found: dict[str, Mapping[str, Any]] = {}
    for some in pieces([_subject(asset, unit) for unit in units]):
        marks, named = marks_for(some)
        rows: Any = database.run(
            f"SELECT body FROM event WHERE subject IN ({marks}) AND kind = :kind ORDER BY seq", kind=SITE_SEEN, **named
        )
        for (body,) in rows:
            document = orjson.loads(body)
            found[document["unit"]] = document["memory"]
    return found


def remember(database: Database, asset: str, memories: Mapping[str, Mapping[str, Any]], actor: str, now: int) -> None:
    """Write down what is to be remembered of URLs. Raises `StoreError`; then nothing was written."""
    if not memories:
        return
    with database.writing():
        after = head(database)
        at = max(after.at, now)
        events = [
            Event(seq, at, actor, SITE_SEEN, _subject(asset, unit), _body(asset, unit, memory))
            for seq, (unit, memory) in enumerate(sorted(memories.items()), start=after.seq + 1)
        ]
        append(database, after, events)


def _subject(asset: str, unit: str) -> str:
    return f"site:{asset}:{unit}"


def _body(asset: str, unit: str, memory: Mapping[str, Any]) -> str:
    return encoded({"asset": asset, "unit": unit, "memory": memory}).decode()
