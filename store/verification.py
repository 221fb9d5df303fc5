"""Proof that the store says what was written: the log's chain, and the findings and scans as the log tells them."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from fixby.errors import ConfigurationError, StoreError
from fixby.store import coverage, log, outlines
from fixby.store.database import Database
from fixby.store.projection import Projector
from fixby.store.rows import Rows, load_all

Key = TypeVar("Key")


def flaws(database: Database) -> Iterator[str]:
    """Sentences that say what was changed, dropped or reordered; none where all is whole."""
    try:
        broken = list(log.flaws(database))
        yield from broken or _of_the_rows(database)
        yield from coverage.flaws(database)
        yield from outlines.flaws(database)
    except StoreError as error:
        yield error.message


def _of_the_rows(database: Database) -> Iterator[str]:
    """Where the rows are not what the log tells; nothing can be told of them where it is not Fixby's."""
    told, readable = Rows(), True
    projector = Projector(told)
    for event, _ in log.events(database):
        try:
            projector.apply(event)
        except (KeyError, TypeError, ValueError, IndexError, ConfigurationError) as error:
            readable = False
            yield f"event {event.seq} is none that Fixby writes: {error!r}"
    if readable:
        projector.redate()
        yield from _differences(told, load_all(database))


def _differences(told: Rows, stored: Rows) -> Iterator[str]:
    yield from _unlike("scan", told.scans, stored.scans)
    yield from _unlike("finding", told.findings, stored.findings)
    yield from _unlike("sightings of finding", told.sightings, stored.sightings)
    yield from _unlike("running time of finding", told.segments, stored.segments)
    yield from _unlike("exploitation of finding", told.exploitations, stored.exploitations)
    yield from _unlike("acceptances of finding", told.acceptances, stored.acceptances)
    yield from _unlike("policy", told.policies, stored.policies)
    yield from _unlike("asset", told.assets, stored.assets)


def _unlike(name: str, told: Mapping[Key, object], stored: Mapping[Key, object]) -> Iterator[str]:
    for key in sorted({**told, **stored}, key=str):
        if key not in stored:
            yield f"{name} {key} stands in the log and not in the store"
        elif key not in told:
            yield f"{name} {key} stands in the store and not in the log"
        elif told[key] != stored[key]:
            yield f"{name} {key} is not what the log tells of it"
