"""GitLab's reports of dependency scanning and of container scanning, schemas 2 to 15.

Severities are the report's words: Critical, High, Medium, Low, Info; `Unknown` stays unknown. A finding bears the name
of its scanner, which is the one that GitLab ran unless it names another itself. A package stands in its file, in an
image by the image's name. A fixed version is known only where the solution says `Upgrade ... to`. What GitLab flags as
a likely false positive is suppressed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fixby.finding import Finding, Suppression
from fixby.redaction import redacted
from fixby.scanners.formats.advisory import NAMELESS, Advisory, Place, units, versions_in, vulnerability
from fixby.scanners.formats.fields import grouped, optional_child, records, word
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.packages import package
from fixby.scanners.formats.places import at, image_name, in_image, path_in
from fixby.scanners.formats.ratings import rating
from fixby.scanners.formats.wording import cwes
from fixby.scanners.report import Record, as_record, child, each, has, printable, text
from fixby.scanners.scanner import Reading, Source

NAME = "gitlab-dependencies"


def recognises(report: Report) -> bool:
    """Whether it is a report of one of these types; early ones say their type at each vulnerability."""
    match report.json:
        case {"vulnerabilities": list(), "scan": {"type": str(kind)}}:
            return kind in _TYPES
        case {"vulnerabilities": [{"category": str(kind)}, *_], "version": str()}:
            return kind in _TYPES
        case {"vulnerabilities": [], "version": str(), "dependency_files": list()}:
            return True
        case _:
            return False


def read(report: Report, source: Source) -> Sequence[Told]:
    """What GitLab's scanner says. Raises `ReportError`."""
    record = as_record(report.json, "the top of the report")
    scan = optional_child(record, "scan")
    scanner = optional_child(scan, "scanner")
    kinds, scanned = _files(record, source)
    reader = _Reader(source, printable(word(scanner, "id")) or NAME, kinds)
    findings = tuple(each(record, "vulnerabilities", reader.finding))
    unnamed = sum(one.component is not None and one.component.name == NAMELESS for one in findings)
    problems = [f"{unnamed} of the vulnerabilities name no package"] if unnamed else []
    told = tuple(dict.fromkeys((*_problems(scan), *problems)))
    version = word(scanner, "version")
    return [
        Told(
            name,
            Reading(tuple(some), version if name == reader.name else "", {**scanned, **units(some)}, problems=told),
        )
        for name, some in (grouped((one.scanner, one) for one in findings) or {reader.name: []}).items()
    ]


_TYPES = frozenset({"cluster_image_scanning", "container_scanning", "dependency_scanning"})


def _problems(scan: Record) -> Iterator[str]:
    if word(scan, "status") == "failure":
        yield "the scan failed, by its own words"
    for message in records(scan, "messages"):
        if word(message, "level") in ("fatal", "error"):
            yield redacted(printable(text(message, "value")))


def _files(record: Record, source: Source) -> tuple[dict[str, str], dict[str, str]]:
    """The ecosystem of each manifest, and the packages of them all."""
    kinds, scanned = {}, {}
    for file in records(record, "dependency_files"):
        path = path_in(source, text(file, "path"))
        kinds[path] = word(file, "package_manager")
        for one in records(file, "dependencies"):
            scanned[f"{path}#{word(optional_child(one, 'package'), 'name')}"] = word(one, "version")
    return kinds, scanned


@dataclass(frozen=True, slots=True)
class _Reader:
    source: Source
    name: str
    kinds: Mapping[str, str]

    def finding(self, row: Record) -> Finding:
        location = child(row, "location")
        dependency = optional_child(location, "dependency")
        place = self._place(location)
        solution = word(row, "solution")
        component = package(
            "",
            self._kind(location, place),
            word(optional_child(dependency, "package"), "name") or _package_in(word(row, "cve")) or NAMELESS,
            word(dependency, "version"),
            versions_in(solution),
        )
        return vulnerability(
            _scanner(row) or self.name,
            _advisory(row),
            component,
            place,
            fix=_advice(solution),
            suppression=_suppression(row),
        )

    def _place(self, location: Record) -> Place:
        image = word(location, "image")
        if image:
            inner = word(location, "file") or word(optional_child(location, "kubernetes_resource"), "container_name")
            return Place((in_image(image_name(image), inner),), in_image=True)
        return Place(at(self.source, word(location, "file")))

    def _kind(self, location: Record, place: Place) -> str:
        system = _SYSTEM.match(word(location, "operating_system"))
        if system:
            return system[1].strip()
        path = place.locations[0].path if place.locations else ""
        return self.kinds.get(path, "") or next(
            (kind for ending, kind in _MANIFESTS.items() if path.endswith(ending)), ""
        )


def _scanner(row: Record) -> str:
    """The scanner that a vulnerability itself names."""
    return printable(word(optional_child(row, "scanner"), "id"))


_SYSTEM = re.compile(r"\A([A-Za-z][A-Za-z ._-]*?)[ :]*(?:\d.*)?\Z")
_MANIFESTS = {"go.sum": "go", "go.mod": "go", "yarn.lock": "npm", "package-lock.json": "npm", "pom.xml": "maven"}


def _package_in(key: str) -> str:
    """The package in GitLab's early key of a vulnerability, `file:package:scanner:id`."""
    parts = key.split(":")
    return ":".join(parts[1:-2]) if len(parts) >= 4 else ""


def _advice(solution: str) -> str:
    return "" if solution.startswith("No solution") or solution == "Unknown" else printable(solution)


def _suppression(row: Record) -> Suppression | None:
    for flag in records(row, "flags"):
        if "false-positive" in word(flag, "type"):
            return Suppression(
                printable(word(flag, "origin") or "gitlab"), redacted(printable(word(flag, "description")))
            )
    return None


def _advisory(row: Record) -> Advisory:
    identifiers = records(row, "identifiers")
    plain = [one for one in identifiers if word(one, "type").lower() not in ("cwe", "owasp")]
    names = tuple(dict.fromkeys(_name(one) for one in plain))
    best = next((name for name in names if name.startswith(("CVE-", "GHSA-"))), "") or next(iter(names), "")
    links = [word(one, "url") for one in (*identifiers, *records(row, "links"))]
    return Advisory(
        best or word(row, "id"),
        names or (word(row, "id"),),
        word(row, "name", "message"),
        word(row, "description"),
        rating(word(row, "severity")),
        cwes(
            f"CWE-{word(one, 'value').upper().removeprefix('CWE-')}"
            for one in identifiers
            if word(one, "type").lower() == "cwe"
        ),
        tuple(links),
    )


def _name(identifier: Record) -> str:
    """An identifier as its publisher spells it; those of GitLab's own database are its names of them."""
    kind, value = word(identifier, "type").lower(), text(identifier, "value")
    return value if kind in ("cve", "ghsa") or not has(identifier, "name") else text(identifier, "name")
