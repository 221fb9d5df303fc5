"""Findings as GitLab's security reports, schema 15.0.7: one file of each type, as a job hands them over as artifacts.

GitLab shows descriptions as Markdown, so they are written as text that stays text. What its schema has no place for
(columns, further places, who decided what) is left out; secrets are masked, so that theirs are told apart by rule and
place. An image needs a tag there: where Fixby knows none, it is `unknown`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from packageurl import PackageURL

from fixby.finding import Category, Finding
from fixby.identifiers import identifiers
from fixby.reports import markdown
from fixby.reports.published import Document, instant
from fixby.reports.sarif_words import shown
from fixby.tracked import TrackedFinding


class Type(StrEnum):
    """A type of report, in GitLab's word."""

    SAST = "sast"
    DEPENDENCIES = "dependency_scanning"
    CONTAINER = "container_scanning"
    SECRETS = "secret_detection"

    @property
    def file(self) -> str:
        """The file's name by which GitLab's own jobs call it."""
        return f"gl-{self.replace('_', '-')}-report.json"


TYPES: Mapping[Category, Type] = {
    Category.CODE: Type.SAST,
    Category.MISCONFIGURATION: Type.SAST,
    Category.DEPENDENCY: Type.DEPENDENCIES,
    Category.CONTAINER: Type.CONTAINER,
    Category.SECRET: Type.SECRETS,
}
"""Where findings of a category belong; GitLab has no report for the others."""


@dataclass(frozen=True, slots=True)
class Looked:
    """When it was looked last for what a report is about (a UTC second), and sentences on what was not looked at."""

    at: int
    problems: Sequence[str] = ()


def report(kind: Type, findings: Sequence[TrackedFinding], looked: Looked, version: str) -> Document:
    """The report of a type with those of the findings that belong there; `version` is that of Fixby."""
    ours = sorted((one for one in findings if TYPES.get(one.finding.category) is kind), key=lambda one: one.id)
    time = str(instant(looked.at)).removesuffix("Z")
    tool = {"id": "fixby", "name": "Fixby", "version": version, "vendor": {"name": "Fixby"}}
    return {
        "version": "15.0.7",
        "schema": f"{_SCHEMAS}/{kind.replace('_', '-')}-report-format.json",
        "scan": {
            "analyzer": tool,
            "scanner": tool,
            "type": kind,
            "start_time": time,
            "end_time": time,
            "status": "failure" if looked.problems else "success",
            "messages": [{"level": "error", "value": shown(problem)} for problem in looked.problems],
        },
        "vulnerabilities": [_vulnerability(kind, one) for one in ours],
        **({"dependency_files": _files(ours)} if kind is Type.DEPENDENCIES else {}),
    }


_SCHEMAS = "https://gitlab.com/gitlab-org/security-products/security-report-schemas/-/raw/v15.0.7/dist"


def _vulnerability(kind: Type, tracked: TrackedFinding) -> Document:
    finding, silenced = tracked.finding, tracked.finding.suppression
    words = "\n\n".join(markdown.text(line) for line in finding.message.splitlines() if line.strip())
    links = [{"url": link} for link in finding.rule.references if link.startswith(("https://", "http://"))]
    flag = {
        "type": "flagged-as-likely-false-positive",
        "origin": shown(silenced.by) if silenced else "",
        "description": (shown(silenced.reason) if silenced else "") or "silenced in the code",
    }
    due = {"name": "Fix by", "type": "text", "value": instant(tracked.due_at) or "no date"}
    return {
        "id": tracked.id,
        "category": kind,
        "name": shown(finding.rule.title)[:255],
        "description": words,
        "severity": finding.severity.capitalize(),
        "solution": markdown.text(finding.fix)[:7000],
        "scanner": {"id": finding.scanner, "name": finding.scanner},
        "identifiers": list(_identifiers(finding)),
        "links": links,
        "location": _location(kind, finding),
        "details": {"fix_by": due},
        **({"flags": [flag]} if silenced else {}),
        **({"raw_source_code_extract": finding.code} if finding.code and kind is Type.SAST else {}),
    }


def _identifiers(finding: Finding) -> Iterator[Document]:
    """The names of the vulnerability, or else the rule, and the weaknesses."""
    names = finding.identifiers.names
    for name in names or identifiers([finding.rule.id]).names:
        kind = name.partition("-")[0].lower() if names else f"{finding.scanner}_rule_id"
        yield {"type": kind, "name": shown(name), "value": name}
    for cwe in finding.rule.cwes:
        number = cwe.removeprefix("CWE-")
        address = f"https://cwe.mitre.org/data/definitions/{number}.html"
        yield {"type": "cwe", "name": cwe, "value": number, "url": address}


def _location(kind: Type, finding: Finding) -> Document:
    place = finding.locations[0] if finding.locations else None
    lines = {"start_line": place.line, "end_line": place.end_line or place.line} if place and place.line else {}
    match kind:
        case Type.SAST:
            return {"file": finding.path or "unknown", **lines}
        case Type.SECRETS:
            return {"file": finding.path or "unknown", **lines, "commit": {"sha": "0000000"}}
        case Type.DEPENDENCIES:
            return {"file": finding.path or "unknown", "dependency": _dependency(finding)}
        case Type.CONTAINER:
            system = {"operating_system": _system(finding), "image": f"{finding.path or 'unknown'}:unknown"}
            return {"dependency": _dependency(finding), **system}


def _dependency(finding: Finding) -> Document:
    about = finding.component
    name, version = (about.name, about.version) if about else (finding.rule.id, "")
    return {"package": {"name": name}, "version": version}


def _system(finding: Finding) -> str:
    """The distribution that a package is of, or else its ecosystem."""
    if finding.component is None:
        return "unknown"
    return PackageURL.from_string(finding.component.purl).namespace or finding.component.ecosystem


def _files(findings: Sequence[TrackedFinding]) -> list[Document]:
    """The files that name packages, each with its ecosystem and those of its packages that are vulnerable."""
    files: dict[tuple[str, str], dict[tuple[str, str], Document]] = {}
    for finding in (one.finding for one in findings):
        if about := finding.component:
            packages = files.setdefault((finding.path or "unknown", about.ecosystem), {})
            packages[about.name, about.version] = _dependency(finding)
    return [
        {"path": path, "package_manager": ecosystem, "dependencies": [row for _, row in sorted(packages.items())]}
        for (path, ecosystem), packages in sorted(files.items())
    ]
