"""Trivy: reports in JSON of schema 2, the list of results of schema 1, those of clusters (`trivy k8s`) and compliance.

Severities are Trivy's own; `UNKNOWN`, or none, is that of the CVSS scores, of which those of the source count that is
named in `SeveritySource`, else all; where there are none it is `unknown`.

A package stands in the file that names it; in an image, in `name-of-the-image/file`, and a package of its system in the
image. An image's name is its name without tag and digest. Names that vendors give to several vulnerabilities at once
(`DSA-`, `RHSA-`) are told in the message: as identifiers they would join what is not the same.

Trivy masks secrets and tells nothing else of them: the rule, the file and the masked line identify one. A licence is
identified by its name, the file and the package. Checks that passed are no findings; those with an exception, and what
`ExperimentalModifiedFindings` holds (`--show-suppressed`), are suppressed ones.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from fixby.component import Component
from fixby.errors import ReportError
from fixby.finding import Category, Finding, Location, Rule, Suppression
from fixby.redaction import redacted
from fixby.scanners.excerpt import code_at
from fixby.scanners.formats.advisory import Place, nameless, split_versions, vulnerability
from fixby.scanners.formats.fields import optional_child, optional_each, optional_line, optional_texts, records, word
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.packages import package
from fixby.scanners.formats.places import at, image_name, in_image
from fixby.scanners.formats.ratings import rating
from fixby.scanners.formats.trivy_compliance import failed_controls, is_compliance, results
from fixby.scanners.formats.trivy_words import WITHOUT_FIX, advisory, masked, references, weaknesses
from fixby.scanners.report import HINT, Record, as_record, child, each, has, printable, required_text, text
from fixby.scanners.scanner import Reading, Source

NAME = "trivy"

NO_RESULTS = "the report has no results: nothing was looked at"
"""The problem of a report in which nothing stands; whoever handed the files over knows better."""


def recognises(report: Report) -> bool:
    """Whether it has a schema version and an artifact, sections about a cluster, or is a list of targets."""
    match report.json:
        case {"SchemaVersion": int(), "ArtifactName": _} | {"SchemaVersion": int(), "Results": _}:
            return True
        case {"ClusterName": str()}:
            return True
        case [dict() as first, *_] if isinstance(first.get("Target"), str):
            return not _LISTS.keys().isdisjoint(first) or first.keys() <= {"Target", "Class", "Type", "Packages"}
        case _:
            return is_compliance(report.json)


def read(report: Report, source: Source) -> Sequence[Told]:
    """What Trivy says. Raises `ReportError`. A report of no result at all is a problem: nothing was looked at."""
    found = report.json
    if isinstance(found, list):
        some = _legacy(found, source)
        version = ""
    else:
        record = as_record(found, "the top of the report")
        some = _read(record, source)
        version = word(optional_child(record, "Trivy"), "Version")
    return [Told(NAME, replace(_together(some), tool_version=version))]


def _read(record: Record, source: Source) -> "list[_Heard]":
    if is_compliance(record):
        heard = _legacy(list(results(record)), source)
        heard[0].findings += failed_controls(NAME, record)
        return heard
    return _cluster(record, source) if has(record, "ClusterName") else [_artifact(record, source)]


_SECTIONS = frozenset({"Findings", "Misconfigurations", "Resources", "Vulnerabilities"})
_SYSTEM = re.compile(r"\A(?P<name>.*?) \((?P<system>[^()]*(?:\([^()]*\))?)\)\Z", re.DOTALL)
"""What Trivy calls the packages of a system: `nginx:1.27 (debian 12.7)`."""


@dataclass(slots=True)
class _Heard:
    """What was read so far."""

    findings: list[Finding] = field(default_factory=list)
    scanned: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def _together(some: Sequence[_Heard]) -> Reading:
    scanned = {unit: version for one in some for unit, version in one.scanned.items()}
    findings = tuple(finding for one in some for finding in one.findings)
    problems = [*(problem for one in some for problem in one.problems), *nameless(findings)]
    if not (scanned or findings or problems):
        problems = [NO_RESULTS]
    return Reading(findings, scanned=scanned, problems=tuple(dict.fromkeys(problems)))


def _artifact(record: Record, source: Source) -> _Heard:
    heard = _Heard()
    metadata = optional_child(record, "Metadata")
    image = _image(record, metadata) if word(record, "ArtifactType") in ("container_image", "vm") else ""
    system = optional_child(metadata, "OS")
    if system.get("EOSL") is True:
        told = " ".join(filter(None, (word(system, "Family"), word(system, "Name"))))
        heard.problems.append(f"the system {told} is past its end of life: its vulnerabilities are no longer published")
    _results(record, _Reader(source, image), heard)
    return heard


def _image(record: Record, metadata: Record) -> str:
    """The name of an image, or one of its tags where it was scanned by its digest."""
    name = image_name(word(record, "ArtifactName"))
    tags = optional_texts(metadata, "RepoTags") if name == "image" else ()
    return next((image_name(tag) for tag in tags), name)


def _legacy(results: list[object], source: Source) -> list[_Heard]:
    """Schema 1 is a list of results; where one of them is of a system, all are of its image."""
    heard = _Heard()
    record: Record = {"Results": results}
    systems = each(record, "Results", lambda row: _SYSTEM.match(text(row, "Target")))
    image = next((image_name(system["name"]) for system in systems if system), "")
    _results(record, _Reader(source, image), heard)
    return [heard]


def _cluster(record: Record, source: Source) -> list[_Heard]:
    """Each workload of a cluster with its images; what could not be scanned of it is a problem."""

    def workload(row: Record) -> _Heard:
        heard = _Heard()
        name = "/".join(filter(None, (word(row, key) for key in ("Namespace", "Kind", "Name"))))
        if error := word(row, "Error"):
            heard.problems.append(f"{name} was not scanned: {redacted(printable(error))}")
        systems = optional_each(row, "Results", lambda one: _SYSTEM.match(text(one, "Target")))
        image = next((image_name(system["name"]) for system in systems if system), "")
        _results(row, _Reader(source, image or name, word(row, "Namespace")), heard)
        return heard

    return [heard for section in sorted(_SECTIONS) for heard in optional_each(record, section, workload)]


def _results(record: Record, reader: "_Reader", heard: _Heard) -> None:
    for findings, scanned in optional_each(record, "Results", reader.result):
        heard.findings += findings
        heard.scanned |= scanned


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the results of one artifact: of an image where it has a name; `namespace` is a cluster's."""

    source: Source
    image: str
    namespace: str = ""

    def result(self, row: Record) -> tuple[list[Finding], dict[str, str]]:
        target = text(row, "Target")
        packages = _Packages.of(row)
        name, scanned = self._file(target), {}
        result = _Result(self, row, target, packages)
        told = (finding for key, one in _LISTS.items() for finding in optional_each(row, key, getattr(result, one)))
        findings: list[Finding] = list(filter(None, told))
        findings += filter(None, optional_each(row, "ExperimentalModifiedFindings", result.modified))
        for finding in findings:
            if finding.component and finding.category is not Category.LICENCE:
                scanned[f"{finding.path}#{finding.component.name}"] = finding.component.version
        if word(row, "Class") in _OF_FILES or not (scanned or packages.places):
            scanned[name] = ""
        return findings, {
            **{f"{result.path(path)}#{one}": version for one, version, path in packages.places},
            **scanned,
        }

    def _file(self, target: str) -> str:
        place = self.location(target, "")
        return place[0].path if place else ""

    def location(self, target: str, inner: str, line: int | None = None) -> tuple[Location, ...]:
        """Where a package stands: `inner` is its own file."""
        system = _SYSTEM.match(target)
        if self.image:
            return (in_image(self.image, inner or ("" if system else target)),)
        return at(self.source, inner or (system["name"] if system else target), line)


_OF_FILES = frozenset({"config", "secret", "license-file"})


@dataclass(frozen=True, slots=True)
class _Packages:
    """The packages that a result lists (`--list-all-pkgs`): the lines that name them, and name, version and file."""

    lines: Mapping[str, int | None]
    places: Sequence[tuple[str, str, str]]

    @classmethod
    def of(cls, row: Record) -> "_Packages":
        lines: dict[str, int | None] = {}

        def one(package: Record) -> tuple[str, str, str]:
            name, version = text(package, "Name"), word(package, "Version")
            first = next(iter(records(package, "Locations")), {})
            lines[f"{name}@{version}"] = optional_line(first, "StartLine")
            return name, version, word(package, "FilePath")

        return cls(lines, optional_each(row, "Packages", one))


@dataclass(frozen=True, slots=True)
class _Result:
    """Reads what stands in one result."""

    reader: _Reader
    row: Record
    target: str
    packages: _Packages

    def path(self, inner: str) -> str:
        place = self.reader.location(self.target, inner)
        return place[0].path if place else ""

    def vulnerability(self, row: Record) -> Finding:
        component = self._component(row)
        status = word(row, "Status")
        line = self.packages.lines.get(f"{component.name}@{component.version}")
        place = Place(self.reader.location(self.target, word(row, "PkgPath"), line), bool(self.reader.image))
        suppression = Suppression(NAME, "not affected") if status == "not_affected" else None
        return vulnerability(
            NAME, advisory(row), component, place, fix=WITHOUT_FIX.get(status, ""), suppression=suppression
        )

    def _component(self, row: Record) -> Component:
        identifier = optional_child(row, "PkgIdentifier")
        purl = word(identifier, "PURL") or word(row, "Ref")
        fixed = split_versions(word(row, "FixedVersion"))
        return package(purl, word(self.row, "Type"), text(row, "PkgName"), word(row, "InstalledVersion"), fixed)

    def misconfiguration(self, row: Record) -> Finding | None:
        status = word(row, "Status") or "FAIL"
        if status not in ("FAIL", "EXCEPTION"):
            return None
        location, code = self._cause(optional_child(row, "CauseMetadata"))
        severity, source = rating(word(row, "Severity"))
        title, message = word(row, "Title") or text(row, "ID"), word(row, "Message") or word(row, "Description")
        return Finding(
            Category.MISCONFIGURATION,
            NAME,
            Rule(required_text(row, "ID"), printable(title), weaknesses(row), references(row)),
            severity,
            source,
            redacted(printable(message or title)),
            location,
            fix=redacted(printable(word(row, "Resolution"))),
            code=code,
            suppression=Suppression(NAME, "an exception of the policy") if status == "EXCEPTION" else None,
        )

    def _cause(self, cause: Record) -> tuple[tuple[Location, ...], str]:
        first, last = optional_line(cause, "StartLine"), optional_line(cause, "EndLine")
        lines = [
            word(one, "Content")
            for one in records(optional_child(cause, "Code"), "Lines")
            if one.get("IsCause") is not False
        ]
        place = self._in_file(first, last)
        anywhere = place[0] if place else Location("")
        return place, code_at(replace(anywhere, line=first), self.reader.source, "\n".join(lines), credential=False)

    def _in_file(self, first: int | None, last: int | None) -> tuple[Location, ...]:
        if self.reader.namespace or not self.reader.image:
            return at(self.reader.source, "/".join(filter(None, (self.reader.namespace, self.target))), first, last)
        return (replace(in_image(self.reader.image, self.target), line=first, end_line=last or first),)

    def secret(self, row: Record) -> Finding:
        severity, source = rating(word(row, "Severity"))
        title, match = word(row, "Title") or text(row, "RuleID"), word(row, "Match")
        return Finding(
            Category.SECRET,
            NAME,
            Rule(required_text(row, "RuleID"), printable(title), ("CWE-798",)),
            severity,
            source,
            f"{printable(title)} in the file.",
            self._in_file(optional_line(row, "StartLine"), optional_line(row, "EndLine")),
            code=masked(match),
        )

    def licence(self, row: Record) -> Finding:
        severity, source = rating(word(row, "Severity"))
        name, about = text(row, "Name"), word(row, "PkgName")
        kind = word(row, "Category")
        title = f"Licence {name}{f' ({kind})' if kind else ''}"
        link = word(row, "Link")
        return Finding(
            Category.LICENCE,
            NAME,
            Rule(printable(name), printable(title), references=(link,) if link else ()),
            severity,
            source,
            f"{printable(about or self.target)} is under the {title[0].lower()}{printable(title[1:])}.",
            self.reader.location(self.target, word(row, "FilePath")),
            component=package("", "", about, "") if about else None,
            code=printable(about),
        )

    def modified(self, row: Record) -> Finding | None:
        """A finding that Trivy was told to leave out, by a file, a policy or a VEX document."""
        readers = {name.lower(): one for name, one in _MODIFIED.items()}
        one = readers.get(text(row, "Type").lower())
        if one is None:
            raise ReportError("expected a kind of finding at `Type`, found an unknown one", HINT)
        finding: Finding | None = getattr(self, one)(child(row, "Finding"))
        reason = ": ".join(filter(None, (word(row, "Status").replace("_", " "), word(row, "Statement"))))
        by = word(row, "Source") or NAME
        return (
            replace(finding, suppression=Suppression(printable(by), redacted(printable(reason)))) if finding else None
        )


_LISTS = {
    "Vulnerabilities": "vulnerability",
    "Misconfigurations": "misconfiguration",
    "Secrets": "secret",
    "Licenses": "licence",
}
_MODIFIED = {
    "vulnerability": "vulnerability",
    "misconfiguration": "misconfiguration",
    "secret": "secret",
    "license": "licence",
}
