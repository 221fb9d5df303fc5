"""What Syft found in an image, as its own JSON tells: packages, and the files that it could not make sense of."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from fixby.errors import ReportError
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


def read(content: bytes, image: str) -> Bill:
    """What Syft says of an image of this name. Raises `ReportError` where it is damaged."""
    bill = json_of(content)
    if not has(child(bill, "schema"), "version"):
        raise ReportError("expected the version of Syft's schema at `schema.version`", HINT)
    artifacts = each(bill, "artifacts", lambda row: row)
    return Bill(
        tuple((in_image(image, _path(row)).path, _item(row)) for row in artifacts),
        dict(_unread(bill, image)),
        tuple(_problems(bill, {text(row, "type") for row in artifacts})),
    )


def _item(row: Record) -> Item:
    name, version = text(row, "name"), optional_text(row, "version")
    return bom.item(name, optional_text(row, "purl")) if version not in _NO_VERSION else Unread(name, UNNAMED)


_NO_VERSION = ("", "UNKNOWN")
"""Syft writes the latter where it found none."""


def _path(row: Record) -> str:
    """The file that tells of a package: the one that Syft took for evidence, else the first."""
    places = each(row, "locations", lambda place: place)
    return next((text(place, "path") for place in (*filter(_is_evidence, places), *places)), "")


def _is_evidence(place: Record) -> bool:
    return has(place, "annotations") and child(place, "annotations").get("evidence") == "primary"


def _unread(bill: Record, image: str) -> Iterator[tuple[str, str]]:
    for file in each(bill, "files", lambda row: row) if has(bill, "files") else ():
        if has(file, "unknowns"):
            said = "; ".join(dict.fromkeys(texts(file, "unknowns")))
            yield in_image(image, text(child(file, "location"), "path")).path, f"Syft cannot read it: {printable(said)}"


def _problems(bill: Record, types: Iterable[str]) -> Iterator[str]:
    """What makes the packages fewer than they should be."""
    distribution = child(bill, "distro") if has(bill, "distro") else {}
    system = optional_text(distribution, "prettyName") or optional_text(distribution, "id")
    if not types:
        yield "Syft found no package"
    elif system and _OF_SYSTEMS.isdisjoint(types):
        yield f"the system is {printable(system)}, yet Syft found no package of it"


_OF_SYSTEMS = frozenset({"alpm", "apk", "deb", "portage", "rpm"})
