"""What makes two observations the same finding.

The parts that identify a finding are written as a JSON array and hashed with SHA-256; `SCHEME` is among them, so that
a later scheme can never be confused with this one. Never among them: line numbers, messages, severities, versions, the
scanner, a secret itself.
"""

import hmac
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256

import orjson

from fixby.component import purl_without_version
from fixby.finding import Category, Finding

SCHEME = 1

Part = str | int


def identified(asset: str, findings: Iterable[Finding]) -> dict[str, Finding]:
    """The findings of one scan by their ids (64 hexadecimal digits), in order of id.

    Like code findings of one file are told apart by their order in it. Observations of one secret or of one vulnerable
    package become one finding with all their locations.
    """
    found: dict[str, Finding] = {}
    seen: Counter[tuple[Part, ...]] = Counter()
    for finding in sorted(findings, key=_place):
        parts = _parts(asset, finding)
        if finding.category in _MERGED:
            key = digest(parts)
            found[key] = _merged(found[key], finding) if key in found else finding
        else:
            found[digest((*parts, seen[parts]))] = finding
            seen[parts] += 1
    return dict(sorted(found.items()))


def digest(parts: tuple[Part, ...]) -> str:
    """The SHA-256 of the JSON array of `parts` in UTF-8 without white space, as 64 hexadecimal digits."""
    return sha256(orjson.dumps(parts)).hexdigest()


def occurrence_id(identity: str, number: int) -> str:
    """The id of the `number`th occurrence (from 1) of a finding that was fixed for good and came back."""
    return identity if number == 1 else digest((SCHEME, "occurrence", identity, number))


def secret_fingerprint(key: bytes, sha1_of_secret: str) -> str:
    """The keyed hash (HMAC-SHA-256) that stands for a secret.

    It is taken of the secret's SHA-1 in hexadecimal, because some scanners report nothing else; without the key nobody
    can try guesses against it.
    """
    return hmac.new(key, sha1_of_secret.lower().encode(), sha256).hexdigest()


_MERGED = frozenset({Category.SECRET, Category.DEPENDENCY, Category.CONTAINER})


def _parts(asset: str, finding: Finding) -> tuple[Part, ...]:
    head = (SCHEME, str(finding.category), asset)
    match finding.category:
        case Category.SECRET if finding.secret_fingerprint:
            return (*head, finding.secret_fingerprint)
        case Category.DEPENDENCY | Category.CONTAINER if finding.component:
            package = purl_without_version(finding.component.purl)
            return (*head, package, finding.identifiers.primary or finding.rule.id, finding.path)
        case _ if finding.code:
            return (*head, finding.rule.id, finding.path, "".join(finding.code.split()))
        case _:
            return (*head, finding.rule.id, finding.path, *_position(finding))


def _place(finding: Finding) -> tuple[Part, ...]:
    return (finding.path, *_position(finding), finding.rule.id, finding.message)


def _position(finding: Finding) -> tuple[int, int, int, int]:
    if not finding.locations:
        return (0, 0, 0, 0)
    place = finding.locations[0]
    return (place.line or 0, place.column or 0, place.end_line or 0, place.end_column or 0)


def _merged(first: Finding, second: Finding) -> Finding:
    """One finding of two observations: the worse one's words, every location, silenced only if both are."""
    worse, other = sorted((first, second), key=_badness)
    return replace(
        worse,
        locations=tuple(sorted({*worse.locations, *other.locations}, key=_location_order)),
        suppression=worse.suppression if other.suppression else None,
    )


def _badness(finding: Finding) -> tuple[int, str]:
    return (-finding.severity.rank, finding.rule.id)


def _location_order(location: object) -> str:
    return repr(location)
