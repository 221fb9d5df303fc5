"""OSV-Scanner, versions 1 and 2: packages of lock files, images and folders, with records of OSV.

Severities are the scores of the records' CVSS vectors, else the highest score of their group, else the publisher's word
(`database_specific`); where nobody says, `unknown`.

A group is one vulnerability under several names: it makes one finding, by the record whose name is best known (CVE,
GHSA, ...). A package stands in its source; Git commits and images by their name. Fixed versions are those that the
record has for the package. OSV-Scanner leaves out what its configuration ignores; what it lists all the same as
uncalled (`--call-analysis`) or unimportant stays a finding. A package of a licence that is not allowed is one too.
Where no package is vulnerable there are no results; where it finds no package at all, it writes no report.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fixby.errors import ReportError
from fixby.finding import Category, Finding, Location, Rule
from fixby.identifiers import identifiers
from fixby.scanners.advisories import severity_of
from fixby.scanners.formats.advisory import Advisory, Place, nameless, vulnerability
from fixby.scanners.formats.fields import optional_child, optional_texts, records, word
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.packages import package
from fixby.scanners.formats.places import at, image_name, in_image
from fixby.scanners.formats.ratings import Rating, rating
from fixby.scanners.formats.wording import cwes
from fixby.scanners.report import HINT, Record, as_record, child, each, has, items, printable, text
from fixby.scanners.scanner import Reading, Source
from fixby.severity import Severity, SeveritySource

NAME = "osv-scanner"


def recognises(report: Report) -> bool:
    """Whether it has results with a source and packages; one of nothing is told by what else stands in it."""
    match report.json:
        case {"results": [{"source": dict(), "packages": _} | {"packageSource": dict(), "packages": _}, *_]}:
            return True
        case {"results": [] | None}:
            return isinstance(report.json, dict) and {"results"} < report.json.keys() <= _KEYS
        case _:
            return False


_KEYS = {"results", "experimental_config", "image_metadata", "license_summary"}


def read(report: Report, source: Source) -> Sequence[Told]:
    """What OSV-Scanner says. Raises `ReportError`."""
    record = as_record(report.json, "the top of the report")
    image = _image(record)
    read_ = _Reader(source, image)
    results = each(record, "results", read_.result) if has(record, "results") or "results" not in record else []
    findings = tuple(finding for found, _ in results for finding in found)
    scanned = {unit: version for _, some in results for unit, version in some.items()}
    return [Told(NAME, Reading(findings, scanned=scanned, problems=nameless(findings)))]


def _image(record: Record) -> str:
    """The name of the image that was scanned, `image` where the report has none of it; nothing where it was none."""
    return image_name(word(child(record, "image_metadata"), "name")) if has(record, "image_metadata") else ""


@dataclass(frozen=True, slots=True)
class _Reader:
    source: Source
    image: str

    def result(self, row: Record) -> tuple[list[Finding], dict[str, str]]:
        """The findings of one source, and its packages."""
        origin = child(row, _either(row, "source", "packageSource"))
        places = self._places(word(origin, "path"), word(origin, "type"))
        findings: list[Finding] = []
        scanned: dict[str, str] = {}
        for found, name, version in each(row, "packages", lambda one: self._package(one, places)):
            findings += found
            scanned[f"{places[0].path if places else ''}#{name}"] = version
        return findings, scanned

    def _places(self, path: str, kind: str) -> tuple[Location, ...]:
        if self.image:
            return (in_image(self.image, path if kind != "os" else ""),)
        return at(self.source, path)

    def _package(self, row: Record, places: tuple[Location, ...]) -> tuple[list[Finding], str, str]:
        named = child(row, _either(row, "package", "Package"))
        name, version = word(named, "name") or word(named, "commit"), word(named, "version") or word(named, "commit")
        kind = word(named, "ecosystem") or "generic"
        place = Place(places, in_image=bool(self.image))
        rows = {text(one, "id"): one for one in records(row, "vulnerabilities")}
        findings = []
        for ids, highest in _groups(row, rows):
            group = [rows[one] for one in ids if one in rows]
            component = package("", kind, name, version, _fixed(group, name))
            findings.append(vulnerability(NAME, _advisory(ids, group, highest), component, place))
        findings += [self._licence(row, kind, one, places) for one in optional_texts(row, "license_violations")]
        return findings, name, version

    def _licence(self, row: Record, kind: str, licence: str, places: tuple[Location, ...]) -> Finding:
        named = child(row, _either(row, "package", "Package"))
        component = package("", kind, text(named, "name"), word(named, "version"))
        return Finding(
            Category.LICENCE,
            NAME,
            Rule(printable(licence), f"Licence {printable(licence)}"),
            Severity.UNKNOWN,
            SeveritySource.DEFAULT,
            f"{component.name} is under the licence {printable(licence)}, which is not allowed.",
            places,
            component=component,
            code=component.name,
        )


def _either(row: Record, key: str, early: str) -> str:
    """A key, or what the first versions called it."""
    return early if key not in row and early in row else key


def _groups(row: Record, rows: Mapping[str, Record]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The names of each vulnerability, and the highest score that the report tells of it; records in no group alone."""
    seen: set[str] = set()
    for group in records(row, "groups"):
        ids = optional_texts(group, "ids")
        seen.update(ids)
        if not ids:
            raise ReportError("expected names at `ids`, found none", HINT)
        yield (*ids, *optional_texts(group, "aliases")), word(group, "max_severity")
    for name in rows:
        if name not in seen:
            yield (name,), ""


def _advisory(ids: Sequence[str], group: Sequence[Record], highest: str) -> Advisory:
    names = identifiers((*ids, *(alias for one in group for alias in optional_texts(one, "aliases")))).names
    own = {text(one, "id"): one for one in group}
    best = next((name for name in identifiers(ids).names if name in own), ids[0])
    words = sorted(group, key=lambda one: text(one, "id") != best)
    return Advisory(
        best,
        names,
        next(filter(None, (word(one, "summary") for one in words)), ""),
        next(filter(None, (word(one, "details") for one in words)), ""),
        _rating(group, highest),
        cwes(found for one in group for found in _weaknesses(one)),
        tuple(dict.fromkeys(word(link, "url") for one in group for link in records(one, "references"))),
    )


def _rating(group: Sequence[Record], highest: str) -> Rating:
    said = severity_of(group)
    if said[1] is SeveritySource.CVSS or not highest:
        return said
    try:
        return rating("", [(3.0, float(highest))])
    except ValueError:
        return said


def _weaknesses(record: Record) -> Iterator[object]:
    """Weaknesses as GitHub's and other databases write them, at the record or at its packages."""
    for specific in (record, *records(record, "affected")):
        database = optional_child(specific, "database_specific")
        yield from items(database, "cwe_ids") if has(database, "cwe_ids") else ()
        for one in items(database, "cwes") if has(database, "cwes") else ():
            yield one.get("cweId", "") if isinstance(one, dict) else one


def _fixed(group: Sequence[Record], name: str) -> tuple[str, ...]:
    events = (
        event
        for record in group
        for part in records(record, "affected")
        if word(optional_child(part, "package"), "name") == name
        for span in records(part, "ranges")
        if word(span, "type") != "GIT"
        for event in records(span, "events")
    )
    return tuple(dict.fromkeys(filter(None, (word(event, "fixed") for event in events))))
