"""What scans looked at, kept in parts, so that scans share what stayed the same.

A scan names the SHA-256 of a JSON object: what was skipped and excluded and why, whether that is the whole, and the
digests of its parts. A part is a JSON object of some hundred units, in order, with the digests of their contents; where
one ends depends on the units' names alone. Another part lists the rules that were in force.
"""

import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from fixby.errors import ReportError
from fixby.scan import Coverage
from fixby.store.codec import encoded
from fixby.store.database import Database
from fixby.store.rows import marks_for, pieces


@dataclass(frozen=True, slots=True)
class Written:
    """A coverage as it is kept: its digest, and all documents by theirs."""

    digest: str
    documents: Mapping[str, bytes]


def written(coverage: Coverage) -> Written:
    """A coverage as it will be kept."""
    parts = {_digest(part): part for part in map(encoded, _parts(coverage.scanned))}
    rules = None if coverage.rules is None else encoded(sorted(coverage.rules))
    whole = encoded(
        {
            "parts": list(parts),
            "rules": None if rules is None else _digest(rules),
            "skipped": coverage.skipped,
            "excluded": coverage.excluded,
            "whole": coverage.whole,
        }
    )
    others = {_digest(document): document for document in filter(None, (rules, whole))}
    return Written(_digest(whole), {**parts, **others})


def keep(database: Database, coverage: Written) -> None:
    """Keep what is not kept yet."""
    if database.run("SELECT 1 FROM coverage WHERE digest = :digest", digest=coverage.digest):
        return
    for some in pieces(coverage.documents):
        marks, named = marks_for(some)
        known = {
            digest for (digest,) in database.run(f"SELECT digest FROM coverage WHERE digest IN ({marks})", **named)
        }
        new = ((digest, zlib.compress(coverage.documents[digest])) for digest in some if digest not in known)
        database.insert("coverage", ("digest", "body"), new)


def scanned(database: Database, digest: str) -> dict[str, str]:
    """The digests of the contents of the units that a scan looked at. Raises `ReportError` where a part is missing."""
    whole = orjson.loads(document(database, digest))
    found: dict[str, str] = whole.get("scanned", {})
    for part in whole.get("parts", ()):
        found |= orjson.loads(document(database, part))
    return found


def last_whole(database: Database, asset: str, scanner: str) -> dict[str, str]:
    """As `scanned`, of the last scan of an asset by a scanner that named all there is; empty where there was none."""
    rows = database.run(
        "SELECT coverage FROM scan WHERE asset = :asset AND scanner = :scanner AND outcome <> 'failed'"
        " ORDER BY seq DESC",
        asset=asset,
        scanner=scanner,
    )
    digests = (str(digest) for (digest,) in rows)
    return next((scanned(database, one) for one in digests if orjson.loads(document(database, one))["whole"]), {})


def document(database: Database, digest: str) -> bytes:
    """The JSON of that SHA-256. Raises `ReportError` where it is not there."""
    try:
        [(body,)] = database.run("SELECT body FROM coverage WHERE digest = :digest", digest=digest)
        return zlib.decompress(body)  # type: ignore[arg-type]
    except (ValueError, TypeError, zlib.error) as error:
        message = f"What a scan looked at, coverage {digest}, is missing or damaged."
        raise ReportError(message, "See what else is wrong: fixby db verify") from error


def parts(document: bytes) -> list[str]:
    """The digests that a document refers to, none where it is damaged; earlier versions of Fixby wrote all in one."""
    try:
        whole: Any = orjson.loads(document)
    except orjson.JSONDecodeError:
        return []
    if not isinstance(whole, dict) or "whole" not in whole:
        return []
    return [*whole.get("parts", ()), *filter(None, [whole.get("rules")])]


def restore(database: Database, digest: str, body: bytes) -> None:
    """Write a document down as it is told."""
    database.insert("coverage", ("digest", "body"), [(digest, zlib.compress(body, 1))])


def flaws(database: Database) -> Iterator[str]:
    """Sentences that say what was changed or dropped of what scans looked at."""
    wanted = {str(digest) for (digest,) in database.run("SELECT coverage FROM scan UNION SELECT digest FROM coverage")}
    checked: set[str] = set()
    while todo := sorted(wanted - checked):
        for digest in todo:
            flaw, referred = _checked(database, digest)
            yield from filter(None, [flaw])
            wanted.update(referred)
        checked.update(todo)


def _checked(database: Database, digest: str) -> tuple[str, Collection[str]]:
    rows: Any = database.run("SELECT body FROM coverage WHERE digest = :digest", digest=digest)
    if not rows:
        return f"coverage {digest} of a scan is missing", ()
    try:
        body = zlib.decompress(rows[0][0])
    except (zlib.error, TypeError):
        return f"coverage {digest} was changed", ()
    return ("", parts(body)) if _digest(body) == digest else (f"coverage {digest} was changed", ())


def _parts(units: Mapping[str, str]) -> Iterator[dict[str, str]]:
    part: dict[str, str] = {}
    for unit in sorted(units):
        part[unit] = units[unit]
        if zlib.crc32(unit.encode("utf-8", "surrogatepass")) % _SIZE == 0:
            yield part
            part = {}
    if part:
        yield part


_SIZE = 256
"""How many units a part has on average."""


def _digest(body: bytes) -> str:
    return sha256(body).hexdigest()
