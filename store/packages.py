"""The packages that the latest scans of an asset looked at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fixby.closing import in_scope
from fixby.store import coverage
from fixby.store.database import Database


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """A package in a version, empty where that is not known, that a file names; and the scanner that looked at it."""

    scanner: str
    path: str
    name: str
    version: str


def packages(database: Database, asset: str) -> list[Package]:
    """What each scanner last looked at, in order. Raises `ReportError` where what a scan looked at is damaged.

    A unit of coverage with a `#` in it is one, unless a file is called so: its version is a digest then.
    """
    rows: Any = database.run(
        "SELECT scanner, target, coverage FROM scan WHERE seq IN (SELECT max(seq) FROM scan"
        " WHERE asset = :asset AND outcome <> 'failed' GROUP BY scanner, target) ORDER BY seq",
        asset=asset,
    )
    known: dict[str, dict[str, str]] = {}
    for scanner, target, digest in rows:
        kept = {unit: said for unit, said in known.get(scanner, {}).items() if not in_scope(unit, target)}
        known[scanner] = kept | coverage.scanned(database, digest)
    return sorted(one for scanner, units in known.items() for one in _named(scanner, units))


def _named(scanner: str, units: Mapping[str, str]) -> Iterator[Package]:
    for unit, versions in units.items():
        path, is_one, name = unit.partition("#")
        yield from (Package(scanner, path, name, version) for version in versions.split(", ") if is_one)
