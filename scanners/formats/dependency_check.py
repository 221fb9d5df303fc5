"""OWASP Dependency-Check: reports in XML of schema 1.3 and later, and in JSON.

Severities are the report's words, of which those of npm (moderate) are known too; else the CVSS score of the newest
version; where there is none, unknown. A package stands in its file, by its package URL, else by its Maven coordinates,
else by the name of its file. Suppressed vulnerabilities are suppressed findings; exceptions of analyses are problems.
A fixed version is the first that the entry of vulnerable software which matched leaves out (`versionEndExcluding`);
schemas before 2.0 have none.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element

from fixby.component import Component
from fixby.finding import Finding, Suppression
from fixby.redaction import redacted
from fixby.scanners.formats.advisory import Advisory, Place, nameless, vulnerability
from fixby.scanners.formats.elements import all_words, said, tree
from fixby.scanners.formats.fields import optional_child, optional_quantity, optional_texts, records, word
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.packages import package
from fixby.scanners.formats.places import at
from fixby.scanners.formats.ratings import Score, rating
from fixby.scanners.formats.wording import cwes
from fixby.scanners.report import Record, as_record, each, printable
from fixby.scanners.scanner import Reading, Source

NAME = "dependency-check"


def recognises(report: Report) -> bool:
    """Whether it is XML of its namespace, or JSON with the schema of its report and dependencies."""
    if report.root_element == "analysis":
        return b"dependency-check" in report.content[:2000].lower()
    match report.json:
        case {"reportSchema": _, "dependencies": list()}:
            return True
        case _:
            return False


def read(report: Report, source: Source) -> Sequence[Told]:
    """What Dependency-Check says. Raises `ReportError`. Of no dependency: a problem."""
    record = (
        _converted(tree(report.content)) if report.root_element else as_record(report.json, "the top of the report")
    )
    info = optional_child(record, "scanInfo")
    problems = [redacted(printable(_exception(one))) for one in records(info, "analysisExceptions")]
    found = each(record, "dependencies", lambda row: _dependency(row, source))
    if not found:
        problems.append("the report names no dependency: nothing was looked at")
    findings = tuple(finding for _, some in found for finding in some)
    scanned = {unit: version for (unit, version), _ in found}
    reading = Reading(
        findings, word(info, "engineVersion"), scanned, problems=tuple(dict.fromkeys((*problems, *nameless(findings))))
    )
    return [Told(NAME, reading)]


def _exception(row: Record) -> str:
    inner = optional_child(row, "exception")
    return word(inner, "message") or word(row, "message") or "an analysis ended with an exception"


def _dependency(row: Record, source: Source) -> tuple[tuple[str, str], list[Finding]]:
    """A dependency as a unit of coverage with its version, and its findings."""
    component = _component(row)
    place = Place(at(source, word(row, "filePath") or word(row, "fileName")))
    findings = [_finding(one, component, place) for one in records(row, "vulnerabilities")]
    for one in records(row, "suppressedVulnerabilities"):
        reason = redacted(printable(word(one, "notes")))
        findings.append(replace(_finding(one, component, place), suppression=Suppression(NAME, reason)))
    path = place.locations[0].path if place.locations else ""
    return (f"{path}#{component.name}", component.version), findings


def _component(row: Record) -> Component:
    ids = [word(one, "id") for one in records(row, "packages")]
    ids += [word(one, "name", "id") for one in records(row, "identifiers") if word(one, "type") == "maven"]
    purl = next((one for one in ids if one.startswith("pkg:")), "")
    maven = next((match for one in ids if (match := _MAVEN.fullmatch(one))), None)
    if maven and not purl:
        return package("", "maven", maven[1], maven[2])
    return package(purl, "", "" if purl else word(row, "fileName", "filePath"), "")


_MAVEN = re.compile(r"\(?([\w.-]+:[\w.-]+):([\w.+-]+)\)?")


def _finding(row: Record, component: Component, place: Place) -> Finding:
    name = word(row, "name")
    links = [word(one, "url") for one in records(row, "references")]
    weaknesses = [*optional_texts(row, "cwes"), word(row, "cwe")]
    advisory = Advisory(
        name,
        tuple(filter(None, (name,))),
        "",
        word(row, "description"),
        rating(word(row, "severity"), _scores(row)),
        cwes(weaknesses),
        tuple(links),
    )
    return vulnerability(NAME, advisory, replace(component, fixed_versions=_fixed(row)), place)


def _fixed(row: Record) -> tuple[str, ...]:
    software = (optional_child(one, "software") for one in records(row, "vulnerableSoftware"))
    matched = (one for one in software if str(one.get("vulnerabilityIdMatched")).lower() == "true")
    return tuple(dict.fromkeys(filter(None, (word(one, "versionEndExcluding") for one in matched))))


def _scores(row: Record) -> Iterator[Score]:
    for key, version in (("cvssv4", 4.0), ("cvssv3", 3.0), ("cvssv2", 2.0)):
        scores = optional_child(row, key)
        score = optional_quantity(scores, "baseScore") or optional_quantity(scores, "score")
        if score is not None:
            yield version, score
    if isinstance(early := row.get("cvssScore"), int | float):
        yield 2.0, early


def _converted(top: Element) -> Record:
    """A report in XML as the JSON of it would be."""
    exceptions = [{"message": said} for said in all_words(top, "scanInfo/analysisExceptions//message")]
    info: Record = {"engineVersion": said(top, "scanInfo/engineVersion"), "analysisExceptions": exceptions}
    return {"scanInfo": info, "dependencies": [_as_dependency(one) for one in top.iterfind("dependencies/dependency")]}


def _as_dependency(one: Element) -> Record:
    ids = [*all_words(one, "identifiers/package/id"), *_early_ids(one)]
    listed = "vulnerabilities/"
    return {
        "fileName": said(one, "fileName"),
        "filePath": said(one, "filePath"),
        "packages": [{"id": id_} for id_ in ids],
        "vulnerabilities": [_as_vulnerability(found) for found in one.iterfind(f"{listed}vulnerability")],
        "suppressedVulnerabilities": [
            _as_vulnerability(found) for found in one.iterfind(f"{listed}suppressedVulnerability")
        ],
    }


def _early_ids(one: Element) -> Iterator[str]:
    for identifier in one.iterfind("identifiers/identifier"):
        if identifier.get("type") == "maven":
            yield said(identifier, "name")


def _as_vulnerability(found: Element) -> Record:
    scores = {
        "cvssv2": _score(found, "cvssV2/score", "cvssScore"),
        "cvssv3": _score(found, "cvssV3/baseScore"),
        "cvssv4": _score(found, "cvssV4/baseScore"),
    }
    return {
        "name": said(found, "name"),
        "severity": said(found, "severity"),
        "description": said(found, "description"),
        "notes": said(found, "notes"),
        "cwes": [*all_words(found, "cwes/cwe"), *all_words(found, "cwe")],
        "references": [{"url": said(link, "url")} for link in found.iterfind("references/reference")],
        "vulnerableSoftware": [_as_software(one) for one in found.iterfind("vulnerableSoftware/software")],
        **scores,
    }


def _as_software(one: Element) -> Record:
    """The entry of a product; of suppressed vulnerabilities some versions call what matched `matched`."""
    matched = one.get("vulnerabilityIdMatched") or one.get("matched", "")
    return {"software": {"vulnerabilityIdMatched": matched, "versionEndExcluding": one.get("versionEndExcluding", "")}}


def _score(found: Element, *paths: str) -> Record:
    for path in paths:
        try:
            return {"score": float(said(found, path))}
        except ValueError:
            continue
    return {}
