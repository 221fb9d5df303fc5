"""The ecosystems of OSV: how each spells the names of packages, and which of two versions comes first.

PyPI is ordered by `packaging` (PEP 440). What says semantic versioning (npm, Go, crates.io, ...) and Composer are
ordered here; the other orders are those of `univers`. A version that its rules cannot read is a `ValueError`, and an
ecosystem without rules is no ecosystem here: nobody may take either for "not affected".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

from packaging.utils import canonicalize_name
from packaging.version import Version


class Point(Protocol):
    """A version in its order. Only `<` may be asked: some libraries answer `<=` wrongly."""

    def __lt__(self, other: Self, /) -> bool:
        """Whether it comes before another version of the same ecosystem."""


@dataclass(frozen=True, slots=True)
class Ecosystem:
    """An ecosystem by the name that OSV gives it, without a suffix such as `:12`.

    `purl_type` is what package URLs call it, `namespace` the one that they all have. `point` reads a version and raises
    `ValueError`; `spelt` gives the normal spelling of a name; `base` is a version without what only builds differ in.
    `released` says that advisories hold for one release of a distribution each.
    """

    name: str
    purl_type: str
    point: Callable[[str], Point]
    spelt: Callable[[str], str] = str
    base: Callable[[str], str] = str
    namespace: str = ""
    released: bool = False


def ecosystem(name: str) -> Ecosystem | None:
    """The ecosystem of a name that OSV gives, any suffix left out; None where it has no rules here."""
    return _BY_NAME.get(name.partition(":")[0])


def ecosystem_of_purl(purl_type: str, namespace: str) -> Ecosystem | None:
    """The ecosystem of the parts of a package URL; None where OSV or we have none for them."""
    fitting = (one for one in ECOSYSTEMS if one.purl_type == purl_type and one.namespace in ("", namespace.lower()))
    return next(fitting, None)


def release(suffixed: str) -> str:
    """The release that the name of an ecosystem ends with, as a number: `3.19` of `Alpine:v3.19`, empty of `Alpine`.

    Releases with paid maintenance are others: `Pro:22.04` of `Ubuntu:Pro:22.04:LTS`.
    """
    return re.sub(r"(^|:)v(?=\d)", r"\1", suffixed.partition(":")[2]).removesuffix(":LTS")


def semantic_point(version: str) -> Point:
    """A version by Semantic Versioning 2.0; a leading `v` and missing parts are allowed. Raises `ValueError`."""
    found = _SEMANTIC.fullmatch(version)
    if not found:
        raise ValueError(f"{version!r} is no semantic version")
    numbers = tuple(int(found[name] or 0) for name in ("major", "minor", "patch"))
    return (numbers, *_prerelease(found["prerelease"]))


_SEMANTIC = re.compile(
    r"v?(?P<major>\d{1,50})(\.(?P<minor>\d{1,50}))?(\.(?P<patch>\d{1,50}))?"
    r"(-(?P<prerelease>[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*))?(\+[0-9A-Za-z.-]*)?",
    re.ASCII,
)


def _prerelease(written: str | None) -> tuple[int, tuple[tuple[int, int, str], ...]]:
    """None comes after all; numbers come before words, and a shorter list before one that it begins."""
    if written is None:
        return (1, ())
    parts = written.split(".")
    return (0, tuple((0, int(part), "") if _is_number(part) else (1, 0, part) for part in parts))


def _is_number(part: str) -> bool:
    return part.isdecimal() and len(part) <= _MOST_DIGITS


_MOST_DIGITS = 50


def _composer_point(version: str) -> Point:
    """A version as Composer orders it: up to four numbers, then how stable it is. Raises `ValueError`."""
    found = _COMPOSER.fullmatch(version.lower())
    if not found:
        raise ValueError(f"{version!r} is no version of Composer")
    numbers = [int(part) for part in found["numbers"].split(".")]
    stability = _STABILITIES.index(_SHORT.get(found["word"] or "", found["word"] or ""))
    count = tuple(int(part) for part in re.findall(r"\d+", found["count"] or ""))
    return ((*numbers, 0, 0, 0)[:4], stability, count)


_COMPOSER = re.compile(
    r"v?(?P<numbers>\d{1,50}(\.\d{1,50}){0,3})"
    r"([._-]?(?P<word>stable|alpha|beta|a|b|rc|patch|pl|p)(?P<count>([.-]?\d{1,50})*))?(\+[^\s]*)?",
    re.ASCII,
)
_SHORT = {"a": "alpha", "b": "beta", "p": "patch", "pl": "patch", "stable": ""}
_STABILITIES = ("alpha", "beta", "rc", "", "patch")


def _pypi_point(version: str) -> Point:
    return Version(version)


def _pypi_base(version: str) -> str:
    """`1.0+cpu` is a build of 1.0."""
    return Version(version).public


def _univers(kind: str) -> Callable[[str], Point]:
    """The order of a class of `univers`, which is loaded where it is needed: that takes 50 milliseconds."""

    def point(version: str) -> Point:
        from univers import nuget, versions  # noqa: PLC0415 - as said above

        if not 0 < len(version.strip()) <= _LONGEST:
            raise ValueError(f"{version[:_LONGEST]!r} is empty or too long for a version")
        try:
            found = getattr(versions, kind)(_RELEASE.sub("", version) if kind == "MavenVersion" else version)
        except nuget.InvalidNuGetVersion as error:
            raise ValueError(f"{version!r} is no version of NuGet") from error
        if found.value is None:
            raise ValueError(f"{version!r} is no version")
        point: Point = found
        return point

    return point


_LONGEST = 200

_RELEASE = re.compile(r"[.-]release$", re.IGNORECASE)
"""Maven takes it for no qualifier at all; univers does not."""

ECOSYSTEMS = (
    Ecosystem("PyPI", "pypi", _pypi_point, canonicalize_name, _pypi_base),
    Ecosystem("npm", "npm", semantic_point),
    Ecosystem("Go", "golang", semantic_point),
    Ecosystem("crates.io", "cargo", semantic_point),
    Ecosystem("Hex", "hex", semantic_point),
    Ecosystem("Pub", "pub", semantic_point),
    Ecosystem("SwiftURL", "swift", semantic_point),
    Ecosystem("RubyGems", "gem", _univers("RubygemsVersion")),
    Ecosystem("Packagist", "composer", _composer_point, str.lower),
    Ecosystem("Maven", "maven", _univers("MavenVersion")),
    Ecosystem("NuGet", "nuget", _univers("NugetVersion"), str.lower),
    Ecosystem("Debian", "deb", _univers("DebianVersion"), namespace="debian", released=True),
    Ecosystem("Ubuntu", "deb", _univers("DebianVersion"), namespace="ubuntu", released=True),
    Ecosystem("Alpine", "apk", _univers("AlpineLinuxVersion"), namespace="alpine", released=True),
    Ecosystem("AlmaLinux", "rpm", _univers("RpmVersion"), namespace="almalinux", released=True),
    Ecosystem("Rocky Linux", "rpm", _univers("RpmVersion"), namespace="rocky", released=True),
)
"""All ecosystems that have rules here."""

_BY_NAME = {one.name: one for one in ECOSYSTEMS}
