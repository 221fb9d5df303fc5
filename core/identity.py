"""What makes two observations the same finding.

The parts that identify a finding are written as a JSON array and hashed with SHA-256; `SCHEME` is among them, so that
a later scheme can never be confused with this one. Never among them: line numbers, messages, severities, versions, the
scanner, a secret itself.
"""

import hmac
import re
from collections.abc import Iterable
from dataclasses import replace
from functools import reduce
from hashlib import sha256

import orjson

from fixby.component import purl_without_version
from fixby.finding import Category, Finding, Location

SCHEME = 1

Part = str | int


def identified(asset: str, findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """The findings of one scan by their identities (64 hexadecimal digits), in order of identity and place.

    Like code findings of one file share an identity. Observations of one secret or of one vulnerable package become one
    finding with all their locations.
    """
    alike: dict[str, list[Finding]] = {}
    for finding in findings:
        alike.setdefault(_identity(asset, finding), []).append(finding)
    return {identity: _together(alike[identity]) for identity in sorted(alike)}


def _identity(asset: str, finding: Finding) -> str:
    parts = _parts(asset, finding)
    return digest(parts if finding.category in MERGED else (*parts, 0))


def _together(alike: list[Finding]) -> list[Finding]:
    if len(alike) == 1:
        return alike
    ordered = sorted(alike, key=_place)
    return [reduce(_merged, ordered)] if alike[0].category in MERGED else ordered


def numbered(asset: str, findings: Iterable[Finding]) -> dict[str, Finding]:
    """The findings of one scan by the ids that they get in a store that knows none of them, in order of id."""
    alike = identified(asset, findings).items()
    found = {occurrence_id(one, number): finding for one, some in alike for number, finding in enumerate(some, start=1)}
    return {id_: found[id_] for id_ in sorted(found)}


def digest(parts: tuple[Part, ...]) -> str:
    """The SHA-256 of the JSON array of `parts` in UTF-8 without white space, as 64 hexadecimal digits."""
    return sha256(orjson.dumps(parts)).hexdigest()


def occurrence_id(identity: str, number: int) -> str:
    """The id of the `number`th finding (from 1) of an identity: another of its like, or one that came back for good."""
    return identity if number == 1 else digest((SCHEME, "occurrence", identity, number))


def package_and_place(finding: Finding) -> tuple[str, str]:
    """The package that a finding is about, without its version, and the manifest or other file that names it.

    Of the packages of a system there is one of each, whatever file or layer of its image a scanner names, and so there
    is of those that are installed in an environment of Python: some tools name no file. The digests of layers are no
    part of a place.
    """
    package = purl_without_version(finding.component.purl) if finding.component else ""
    if package.startswith(_SYSTEM_PACKAGES) or (package.startswith("pkg:pypi/") and _INSTALLED.search(finding.path)):
        return package, ""
    return package, _LAYER.sub("", finding.path) if finding.category is Category.CONTAINER else finding.path


def secret_fingerprint(key: bytes, sha1_of_secret: str) -> str:
    """The keyed hash (HMAC-SHA-256) that stands for a secret.

    It is taken of the secret's SHA-1 in hexadecimal, because some scanners report nothing else; without the key nobody
    can try guesses against it.
    """
    return hmac.new(key, sha1_of_secret.lower().encode(), sha256).hexdigest()


PACKAGES = frozenset({Category.DEPENDENCY, Category.CONTAINER})
"""The categories of vulnerable packages."""

MERGED = PACKAGES | {Category.SECRET}
"""The categories in which an identity stands for one finding, however often it is reported."""


def _parts(asset: str, finding: Finding) -> tuple[Part, ...]:
    head = (SCHEME, str(finding.category), asset)
    match finding.category:
        case Category.SECRET if finding.secret_fingerprint:
            return (*head, finding.secret_fingerprint)
        case Category.DEPENDENCY | Category.CONTAINER if finding.component:
            package, place = package_and_place(finding)
            kind = finding.category if place or package.startswith(_SYSTEM_PACKAGES) else Category.DEPENDENCY
            return (SCHEME, str(kind), asset, package, finding.identifiers.primary or finding.rule.id, place)
        case _ if finding.code:
            return (*head, finding.rule.id, finding.path, "".join(finding.code.split()))
        case _:
            return (*head, finding.rule.id, *_position(finding))


_SYSTEM_PACKAGES = ("pkg:alpm/", "pkg:apk/", "pkg:deb/", "pkg:rpm/")
_INSTALLED = re.compile(r"(?:\.(?:dist|egg)-info|/EGG-INFO)(?:/[^/]+)?\Z")
_LAYER = re.compile(r"\bsha256[:-][0-9a-f]{64}/?")


def _place(finding: Finding) -> tuple[Part, ...]:
    """Where a finding stands among its like; two at one place by all that they say, so a report's order is nothing."""
    return (*_position(finding), finding.rule.id, finding.message, repr(finding))


def _position(finding: Finding) -> tuple[Part, ...]:
    return _order(finding.locations[0]) if finding.locations else ("", 0, 0, 0, 0)


def _order(place: Location) -> tuple[Part, ...]:
    return (place.path, place.line or 0, place.column or 0, place.end_line or 0, place.end_column or 0)


def _merged(first: Finding, second: Finding) -> Finding:
    """One finding of two observations: the worse one's words, every location, silenced only if both are."""
    worse, other = sorted((first, second), key=_badness)
    return replace(
        worse,
        locations=tuple(sorted({*worse.locations, *other.locations}, key=_order)),
        suppression=worse.suppression if other.suppression else None,
    )


def _badness(finding: Finding) -> tuple[int, str]:
    return (-finding.severity.rank, finding.rule.id)
