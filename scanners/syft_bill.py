"""What Syft found in an image, as its own JSON tells: packages, and the files that it could not make sense of."""

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from fixby.errors import ReportError
from fixby.scanners.distributions import end_of_life
from fixby.scanners.formats.places import in_image
from fixby.scanners.lockfiles import bom
from fixby.scanners.lockfiles.lockfile import UNNAMED, Item, Unread, json_of
from fixby.scanners.report import HINT, Record, child, each, has, optional_text, printable, text, texts


@dataclass(frozen=True, slots=True)
class Bill:
    """The packages of an image with the files that tell of them, named as findings name them.

    `unread` has for each file that could not be made sense of the reason; `problems` are about the image as a whole.
    """

    items: tuple[tuple[str, Item], ...]
    unread: Mapping[str, str]
    problems: tuple[str, ...]


def read(content: bytes, image: str, today: str) -> Bill:
    """What Syft says of an image of this name; `today` is `YYYY-MM-DD`. Raises `ReportError` where it is damaged."""
    bill = json_of(content)
    if not has(child(bill, "schema"), "version"):
        raise ReportError("expected the version of Syft's schema at `schema.version`", HINT)
    artifacts = each(bill, "artifacts", lambda row: row)
    system = _System.of(child(bill, "distro") if has(bill, "distro") else {})
    return Bill(
        tuple((in_image(image, _path(row)).path, _item(row, system)) for row in artifacts),
        dict(_unread(bill, image, _Owned.of(artifacts))),
        tuple(_problems(system, {text(row, "type") for row in artifacts}, today)),
    )


@dataclass(frozen=True, slots=True)
class _System:
    """What os-release says of the system: words for people, and the last day of support if that is known."""

    name: str
    ends: str

    @classmethod
    def of(cls, distribution: Record) -> "_System":
        """What Syft says of it; nothing where it knows of none."""
        name, release = optional_text(distribution, "id"), optional_text(distribution, "versionID")
        own = optional_text(distribution, "supportEnd")
        ends = [end_of_life(name, release), own if re.fullmatch(r"\d{4}-\d\d-\d\d", own, re.ASCII) else ""]
        words = optional_text(distribution, "prettyName") or f"{name} {release}".strip()
        return cls(printable(words), min(filter(None, ends), default=""))


def _item(row: Record, system: _System) -> Item:
    name, written = text(row, "name"), optional_text(row, "purl")
    if optional_text(row, "version") in _NO_VERSION:
        return Unread(name, UNNAMED)
    if not written and text(row, "type") in _OF_SYSTEMS:
        return Unread(name, f"there are no rules for packages of the system {system.name or 'that nobody named'}")
    return bom.item(name, written)


_NO_VERSION = ("", "UNKNOWN")
"""Syft writes the latter where it found none."""


def _path(row: Record) -> str:
    """The file that tells of a package: the one that Syft took for evidence, else the first."""
    places = each(row, "locations", lambda place: place)
    return next((text(place, "path") for place in (*filter(_is_evidence, places), *places)), "")


def _is_evidence(place: Record) -> bool:
    return has(place, "annotations") and child(place, "annotations").get("evidence") == "primary"


@dataclass(frozen=True, slots=True)
class _Owned:
    """What belongs to packages that Syft found, though it does not say so: files, and all in some folders."""

    files: frozenset[str]
    folders: tuple[str, ...]

    @classmethod
    def of(cls, artifacts: Iterable[Record]) -> "_Owned":
        """Python's packages list their files; those of npm have a folder each."""
        files, folders = set[str](), []
        for row in artifacts:
            said = child(row, "metadata") if has(row, "metadata") else {}
            if text(row, "type") == "python" and has(said, "files"):
                packages = optional_text(said, "sitePackagesRootPath")
                files |= {posixpath.normpath(f"{packages}/{path}") for path in each(said, "files", _path_of)}
            elif text(row, "type") == "npm":
                folders.append(f"{posixpath.dirname(_path(row))}/")
        return cls(frozenset(files), tuple(folder for folder in folders if folder != "/"))

    def has(self, path: str) -> bool:
        """Whether a file belongs to one of them."""
        return path in self.files or path.startswith(self.folders)


def _path_of(file: Record) -> str:
    return text(file, "path")


def _unread(bill: Record, image: str, owned: _Owned) -> Iterator[tuple[str, str]]:
    for file in each(bill, "files", lambda row: row) if has(bill, "files") else ():
        said = dict.fromkeys(texts(file, "unknowns")) if has(file, "unknowns") else {}
        path = text(child(file, "location"), "path")
        words = [_words(one) for one in said if not (one.endswith(_EXECUTABLE) and owned.has(path))]
        if words:
            yield in_image(image, path).path, "; ".join(words)


def _words(unknown: str) -> str:
    if unknown.endswith(_EXECUTABLE):
        return "it can be run, and nobody knows of which package it is"
    return f"Syft cannot read it: {printable(unknown)}"


_EXECUTABLE = "no package identified in executable file"


def _problems(system: _System, types: Collection[str], today: str) -> Iterator[str]:
    """What makes the packages, or what is known of them, less than it should be."""
    if not types:
        yield "Syft found no package"
    elif system.name and _OF_SYSTEMS.isdisjoint(types):
        yield f"the system is {system.name}, yet Syft found no package of it"
    if system.ends and system.ends < today:
        said = "what is found in it is no longer published"
        yield f"the system {system.name} is past its end of life since {system.ends}: {said}"


_OF_SYSTEMS = frozenset({"alpm", "apk", "deb", "portage", "rpm"})
