"""Bills of materials in JSON: CycloneDX (1.2 and later) and SPDX (2.2, 2.3), their packages told by package URLs.

What a bill describes as a whole, files, operating systems and devices are no packages and are passed over.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from packageurl import PackageURL

from fixby.errors import ReportError
from fixby.scanners.ecosystems import Ecosystem, ecosystem_of_purl
from fixby.scanners.lockfiles.lockfile import UNNAMED, Item, Package, Unread, json_of
from fixby.scanners.report import Record, each, has, optional_text, text, texts

MOST_LEVELS = 100


def read(content: bytes) -> Iterator[Item]:
    """What the bill says. Raises `ReportError` with the position."""
    bill = json_of(content)
    lines = _lines_of_purls(content)
    if bill.get("bomFormat") == "CycloneDX":
        yield from _components(bill, lines, 0)
    elif isinstance(bill.get("spdxVersion"), str):
        described = set(texts(bill, "documentDescribes")) if has(bill, "documentDescribes") else set()
        described |= {text(one, "relatedSpdxElement") for one in _optional(bill, "relationships") if _describes(one)}
        for package in _optional(bill, "packages"):
            if optional_text(package, "SPDXID") not in described:
                yield _at_line(optional_text(package, "name"), _purl_of_spdx(package), lines)
    else:
        raise ReportError("expected `bomFormat` to be CycloneDX, or an `spdxVersion`")


def item(name: str, written: str) -> Item:
    """The package of a package URL, with its release and source where it is one of a distribution."""
    if not written:
        return Unread(name, "has no package URL, by which advisories could be found")
    try:
        purl = PackageURL.from_string(written)
    except ValueError:
        return Unread(name, "has a package URL that cannot be read")
    concerned = ecosystem_of_purl(purl.type, purl.namespace or "")
    if concerned is None:
        return Unread(name or purl.name, f"there are no rules for package URLs of the type {_type(purl)}")
    if not purl.version:
        return Unread(name or purl.name, UNNAMED)
    qualifiers = purl.qualifiers
    return Package(
        f"{concerned.name}{_release(concerned, qualifiers)}",
        _name(concerned, purl),
        purl.version,
        source=_source(concerned, purl, qualifiers),
    )


def _type(purl: PackageURL) -> str:
    """The type, with the distribution of a system's package: each has advisories of its own."""
    return f"{purl.type} ({purl.namespace})" if purl.namespace and purl.type in _OF_SYSTEMS else purl.type


_OF_SYSTEMS = ("apk", "alpm", "deb", "rpm")


def _components(node: Record, lines: Mapping[str, int], depth: int) -> Iterator[Item]:
    if depth > MOST_LEVELS:
        raise ReportError("`components` are nested too deeply")
    for component in _optional(node, "components"):
        if optional_text(component, "type") in _PACKAGES or has(component, "purl"):
            yield _at_line(optional_text(component, "name"), optional_text(component, "purl"), lines)
        yield from _components(component, lines, depth + 1)


_PACKAGES = ("", "application", "framework", "library")


def _describes(relationship: Record) -> bool:
    return relationship.get("relationshipType") == "DESCRIBES"


def _purl_of_spdx(package: Record) -> str:
    links = [one for one in _optional(package, "externalRefs") if one.get("referenceType") == "purl"]
    return text(links[0], "referenceLocator") if links else ""


def _at_line(name: str, written: str, lines: Mapping[str, int]) -> Item:
    found = item(name, written)
    return replace(found, line=lines.get(written)) if isinstance(found, Package) else found


def _name(concerned: Ecosystem, purl: PackageURL) -> str:
    """The name as the ecosystem has it: the namespace is part of it where it is a group, a scope or a path."""
    if concerned.namespace or not purl.namespace:
        return purl.name
    return f"{purl.namespace}{':' if concerned.name == 'Maven' else '/'}{purl.name}"


def _release(concerned: Ecosystem, qualifiers: Mapping[str, str]) -> str:
    """The release of a distribution as a suffix: `:12` of `distro=debian-12`, the first two numbers for Alpine."""
    found = re.search(r"(\d+)(\.\d+)?", qualifiers.get("distro", "")) if concerned.released else None
    if not found:
        return ""
    return f":{found[0] if concerned.name in ('Alpine', 'Ubuntu') else found[1]}"


def _source(concerned: Ecosystem, purl: PackageURL, qualifiers: Mapping[str, str]) -> tuple[str, str] | None:
    """The source package of a distribution's package and its version, by which its advisories speak.

    RPM's advisories speak of the packages themselves; their epoch is told apart from the version.
    """
    if not concerned.released:
        return None
    if concerned.purl_type == "rpm":
        return purl.name, f"{qualifiers.get('epoch', '0')}:{purl.version}"
    source, _, version = qualifiers.get("upstream", "").partition("@")
    return (source, version or str(purl.version)) if source else None


def _lines_of_purls(content: bytes) -> dict[str, int]:
    """The first line of each package URL in an indented file."""
    lines: dict[str, int] = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        for purl in _PURL.findall(line):
            lines.setdefault(purl.decode("utf-8", "replace"), number)
    return lines


_PURL = re.compile(rb'"(?:purl|referenceLocator)"\s*:\s*"(pkg:[^"\\]+)"')


def _optional(record: Record, key: str) -> list[Record]:
    return each(record, key, lambda one: one) if has(record, key) else []
