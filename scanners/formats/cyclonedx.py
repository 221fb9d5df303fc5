"""CycloneDX in JSON and XML, versions 1.0 to 1.7, and the vulnerability extension of its early XML.

Severities are the ratings' words; where no rating has one, the scores by the version of CVSS; else unknown. Of several
ratings the worst word counts. What an analysis calls not affected, a false positive or resolved is suppressed, with its
justification. Each component that a vulnerability affects makes one finding, by the name of the tool that wrote the
document, or as `cyclonedx` where none or several did.

A component stands in the file that its evidence or its properties name; in a container, below the image's name. A
document without vulnerabilities does not say that any were looked for: that is a problem.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote

from fixby.component import Component
from fixby.finding import Finding, Location, Suppression
from fixby.redaction import redacted
from fixby.scanners.formats.advisory import NAMELESS, Advisory, Place, nameless, versions_in, vulnerability
from fixby.scanners.formats.cyclonedx_xml import converted
from fixby.scanners.formats.elements import tree
from fixby.scanners.formats.fields import optional_child, optional_quantity, records, word
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.packages import package
from fixby.scanners.formats.places import at, image_name, in_image
from fixby.scanners.formats.ratings import UNRATED, Rating, Score, rating, score_of
from fixby.scanners.formats.wording import cwes
from fixby.scanners.report import Record, as_record, has, items, printable
from fixby.scanners.scanner import Reading, Source

NAME = "cyclonedx"


def recognises(report: Report) -> bool:
    """Whether it says so, or is XML whose first element is a bill of materials in its namespace."""
    match report.json:
        case {"bomFormat": "CycloneDX"}:
            return True
        case {"specVersion": str(), "components": list()}:
            return True
        case _:
            return report.root_element == "bom" and b"cyclonedx.org/schema/bom" in report.content[:4000]


def read(report: Report, source: Source) -> Sequence[Told]:
    """What the document says. Raises `ReportError`."""
    record = converted(tree(report.content)) if report.root_element else as_record(report.json, "the top of the report")
    metadata = optional_child(record, "metadata")
    name, version = _tool(metadata)
    document = _Document.of(record, source)
    findings = tuple(finding for row in records(record, "vulnerabilities") for finding in document.findings(name, row))
    problems = (
        [] if findings else ["the document lists no vulnerability: it does not say whether anybody looked for any"]
    )
    lost = sum(one.component is not None and one.component.name == NAMELESS for one in findings)
    problems += [f"{lost} of the vulnerabilities name no component of the document"] if lost else []
    problems += nameless(findings)
    return [Told(name, Reading(findings, version, document.units(), problems=tuple(problems)))]


def _tool(metadata: Record) -> tuple[str, str]:
    """The name and version of the tool that wrote a document; libraries that only write the format are none."""
    listed = metadata.get("tools")
    if isinstance(listed, dict):
        rows = [*records(listed, "components"), *records(listed, "services")]
    else:
        rows = records(metadata, "tools")
    tools = {_slug(word(row, "name")): word(row, "version") for row in rows}
    some = {name: version for name, version in tools.items() if name and not name.startswith("cyclonedx")}
    return next(iter(some.items())) if len(some) == 1 else (NAME, "")


def _slug(name: str) -> str:
    return printable("-".join(name.lower().split()))


@dataclass(frozen=True, slots=True)
class _Document:
    """The components of a document by reference; `image` is the name of the image that it is about, or nothing."""

    source: Source
    image: str
    rows: Mapping[str, Record]
    everything: Sequence[Record]
    main: Record

    @classmethod
    def of(cls, record: Record, source: Source) -> "_Document":
        main = optional_child(optional_child(record, "metadata"), "component")
        everything = list(_nested(record))
        rows = {word(row, "bom-ref"): row for row in (*everything, *_nested({"components": [main] if main else []}))}
        image = image_name(word(main, "name")) if word(main, "type") == "container" else ""
        return cls(source, image, rows, everything, main)

    def units(self) -> dict[str, str]:
        """All components as units of coverage, with their versions."""
        return {
            f"{place[0].path if (place := self._place(row)) else ''}#{self._component(row).name}": word(row, "version")
            for row in self.everything
            if word(row, "name")
        }

    def findings(self, scanner: str, row: Record) -> Iterator[Finding]:
        """One for each component that a vulnerability affects; where it names none, what the document is about."""
        advisory = _advisory(row)
        for affected in records(row, "affects") or [{}]:
            component_row = self._referred(word(affected, "ref"))
            component = replace(self._component(component_row), fixed_versions=versions_in(word(row, "recommendation")))
            yield vulnerability(
                scanner,
                advisory,
                component,
                Place(self._place(component_row), in_image=bool(self.image)),
                fix=printable(word(row, "recommendation")),
                suppression=_suppression(optional_child(row, "analysis")) or _unaffected(affected, component),
            )

    def _referred(self, reference: str) -> Record:
        """The component of a reference: by its own, by a link to a document (`urn:cdx:.../1#ref`), or by a purl."""
        if not reference:
            return self.main
        inner = unquote(reference.partition("#")[2]) if reference.startswith("urn:cdx:") else reference
        found = self.rows.get(reference) or self.rows.get(inner)
        return found or ({"purl": inner} if inner.startswith("pkg:") else {})

    def _component(self, row: Record) -> Component:
        purl, kind = word(row, "purl"), next(_properties(row, _KINDS), "")
        group, name = word(row, "group"), word(row, "name")
        full = f"{group}/{name}" if group else name
        return package(purl, kind, "" if purl and not name else full or NAMELESS, word(row, "version"))

    def _place(self, row: Record) -> tuple[Location, ...]:
        evidence = (word(one, "location") for one in records(optional_child(row, "evidence"), "occurrences"))
        path = next(filter(None, (*evidence, *_properties(row, _PATHS))), "")
        if self.image:
            system = word(row, "purl").startswith(_SYSTEMS)
            return (in_image(self.image, "" if system else path),)
        return at(self.source, path.removeprefix("/")) if path else ()


_KINDS = ("syft:package:type", "aquasecurity:trivy:PkgType")
_PATHS = ("aquasecurity:trivy:FilePath", "syft:location:0:path")
_SYSTEMS = ("pkg:alpm/", "pkg:apk/", "pkg:deb/", "pkg:rpm/")


def _nested(record: Record) -> Iterator[Record]:
    """All components, those within others after them, however deep."""
    waiting = list(reversed(records(record, "components")))
    while waiting:
        row = waiting.pop()
        yield row
        waiting += reversed(records(row, "components"))


def _properties(row: Record, names: Sequence[str]) -> Iterator[str]:
    found = {word(one, "name"): word(one, "value") for one in records(row, "properties")}
    return (found[name] for name in names if found.get(name))


def _advisory(row: Record) -> Advisory:
    name = word(row, "id")
    aliases = [word(one, "id") for one in records(row, "references")]
    links = [word(optional_child(row, "source"), "url")]
    links += [word(optional_child(one, "source"), "url") for one in records(row, "references")]
    links += [word(one, "url") for one in records(row, "advisories")]
    return Advisory(
        name,
        tuple(filter(None, (name, *aliases))),
        "",
        word(row, "description", "detail"),
        _rating(records(row, "ratings")),
        cwes(items(row, "cwes") if has(row, "cwes") else ()),
        tuple(links),
    )


def _rating(rows: Sequence[Record]) -> Rating:
    known = [said for row in rows if (said := rating(word(row, "severity")))[0].rank >= 0]
    if known:
        return max(known, key=lambda one: one[0].rank)
    scores = [score for row in rows if (score := _score(row))]
    return rating("", scores) if scores else UNRATED


def _score(row: Record) -> Score | None:
    method = word(row, "method")
    if method and not method.startswith("CVSS"):
        return None
    told = optional_quantity(row, "score")
    if told is None:
        return score_of(word(row, "vector")) if has(row, "vector") else None
    return _METHODS.get(method, 0.0), told


_METHODS = {"CVSSv2": 2.0, "CVSSv3": 3.0, "CVSSv31": 3.1, "CVSSv4": 4.0}


def _suppression(analysis: Record) -> Suppression | None:
    state = word(analysis, "state")
    if state not in _CLOSED:
        return None
    said = (state, word(analysis, "justification"), word(analysis, "detail"))
    return Suppression("vex", redacted(printable(": ".join(filter(None, said)).replace("_", " "))))


_CLOSED = frozenset({"false_positive", "not_affected", "resolved", "resolved_with_pedigree"})


def _unaffected(affected: Record, component: Component) -> Suppression | None:
    """A document may say of the very version, or of all that it tells of, that it is not affected."""
    rows = records(affected, "versions")
    told = {word(one, "version"): word(one, "status") for one in rows}
    if not component.version and rows and all(word(one, "status") == "unaffected" for one in rows):
        return Suppression("vex", "none of its versions is affected")
    if component.version and told.get(component.version) == "unaffected":
        return Suppression("vex", f"version {printable(component.version)} is not affected")
    return None
