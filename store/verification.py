"""Proof that the store says what was written: the log's chain, and the findings as the log tells them."""

from collections.abc import Iterator

from fixby.store import log, projection
from fixby.store.database import Database


def flaws(database: Database) -> Iterator[str]:
    """Sentences that say what was changed, dropped or reordered; none where all is whole."""
    broken = list(log.flaws(database))
    if broken:
        yield from broken
        return
    told = projection.Rows()
    for event, _ in log.events(database):
        projection.apply(told, event)
    yield from _differences(told, projection.load_all(database))


def _differences(told: projection.Rows, stored: projection.Rows) -> Iterator[str]:
    for id_ in sorted(told.findings.keys() | stored.findings.keys()):
        if id_ not in stored.findings:
            yield f"finding {id_} stands in the log and not in the store"
        elif id_ not in told.findings:
            yield f"finding {id_} stands in the store and not in the log"
        elif told.rows_of(id_) != stored.rows_of(id_):
            yield f"finding {id_} is not what the log tells of it"
