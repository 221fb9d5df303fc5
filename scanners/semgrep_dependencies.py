"""What Semgrep's platform exports of vulnerable dependencies (`/deployments/{slug}/vulns`)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fixby.component import Component
from fixby.finding import Category, Finding, Location, Rule, Suppression
from fixby.identifiers import Identifiers, identifiers
from fixby.redaction import redacted
from fixby.scanners.report import Record, as_record, child, document, each, has, items, printable, text, texts
from fixby.scanners.scanner import Reading, Source
from fixby.scanners.semgrep_words import NAME, cwes, package, severity
from fixby.severity import SeveritySource


def vulnerabilities(record: Record, source: Source) -> Reading:
    """What an export says: one finding for each vulnerability of each repository.

    Where it covers several repositories, their names stand before the paths. Raises `ReportError`.
    """
    repositories = set(each(record, "vulns", lambda row: text(row, "repositoryName")))
    reader = _Reader(source, prefixed=len(repositories) > 1)
    problems = ("The report is one page of several; export the others too.",) if record.get("hasMore") else ()
    return Reading(tuple(each(record, "vulns", reader.finding)), problems=problems)


@dataclass(frozen=True, slots=True)
class _Reader:
    source: Source
    prefixed: bool

    def finding(self, row: Record) -> Finding:
        advisory = child(row, "advisory")
        references = child(advisory, "references")
        usages = each(row, "usages", lambda usage: self._location(row, child(usage, "location")))
        return Finding(
            Category.DEPENDENCY,
            NAME,
            Rule(
                text(advisory, "ruleId"),
                text(advisory, "title"),
                cwes(texts(references, "cweIds")),
                texts(references, "urls"),
            ),
            severity=severity(text(advisory, "severity"), {}),
            severity_source=SeveritySource.SCANNER,
            message=redacted(printable(text(advisory, "description"))),
            locations=(self._location(row, child(row, "dependencyFileLocation")), *usages),
            component=_component(row, advisory),
            identifiers=_identifiers(references),
            suppression=_suppression(child(row, "triage")),
        )

    def _location(self, row: Record, place: Record) -> Location:
        prefix = f"{text(row, 'repositoryName')}/" if self.prefixed else ""
        line, end_line, column, end_column = (_position(place, key) for key in _POSITIONS)
        return Location(prefix + self.source.path(text(place, "path")), line, end_line or line, column, end_column)


_POSITIONS = ("startLine", "endLine", "startCol", "endCol")
_GHSA = re.compile(r"GHSA(?:-[0-9a-z]{4}){3}", re.IGNORECASE)
_DISMISSED = frozenset({"CLOSED", "IGNORED"})


def _position(place: Record, key: str) -> int | None:
    """A number that is written as a string; 0 where it is not known."""
    digits = text(place, key)
    return (int(digits) or None) if digits.isdecimal() else None


def _component(row: Record, advisory: Record) -> Component:
    matched = child(row, "matchedDependency")
    name = text(matched, "name")
    safe = each(advisory, "safeDependencies", lambda one: (text(one, "name"), text(one, "versionSpecifier")))
    if has(row, "closestSafeDependency"):
        closest = child(row, "closestSafeDependency")
        safe.insert(0, (text(closest, "name"), text(closest, "versionSpecifier")))
    fixed_versions = tuple(dict.fromkeys(version for dependency, version in safe if dependency == name))
    return package(_ecosystem(advisory, name), name, text(matched, "versionSpecifier"), fixed_versions)


def _ecosystem(advisory: Record, name: str) -> str:
    """The ecosystem of a package: of an advisory for several the export names the first, the rule inside it all."""
    named = dict(_dependencies(as_record(document(text(advisory, "ruleText").encode()), "`ruleText`")))
    return named.get(name) or text(advisory, "ecosystem")


def _dependencies(rule: Record) -> Iterator[tuple[str, str]]:
    if has(rule, "r2c-internal-project-depends-on"):
        depends_on = child(rule, "r2c-internal-project-depends-on")
        choices = items(depends_on, "depends-on-either") if "depends-on-either" in depends_on else [depends_on]
        for choice in choices:
            dependency = as_record(choice, "`depends-on-either`")
            yield text(dependency, "package"), text(dependency, "namespace")


def _identifiers(references: Record) -> Identifiers:
    advisories = (match[0] for url in texts(references, "urls") if (match := _GHSA.search(url)))
    return identifiers((*texts(references, "cveIds"), *advisories))


def _suppression(triage: Record) -> Suppression | None:
    """Somebody dismissed it on the platform."""
    if text(triage, "status") not in _DISMISSED:
        return None
    reason = text(triage, "dismissReason")
    return Suppression("semgrep-triage", "" if reason == "UNKNOWN_REASON" else redacted(reason))
