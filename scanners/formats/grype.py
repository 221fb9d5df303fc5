"""Grype: matches of packages of an image, a folder or a list of components, in JSON.

Severities are Grype's own, `Negligible` is `info`; where it says `Unknown` or nothing, that of the CVSS scores of the
vulnerability, else of those that are related to it; where there are none it is `unknown`.

The other names of a vulnerability are those that are related to it. A package stands in the first file that it names,
in an image in `name-of-the-image/file`, and a package of its system in the image. What a rule of the user or a VEX
document ignored is suppressed. A report knows only packages with matches: nothing is said of others. What the
database's status says against it is a problem; its age cannot be judged from a report alone, so its date stands beside
the version.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from fixby.component import Component
from fixby.finding import Finding, Location, Suppression
from fixby.redaction import redacted
from fixby.scanners.formats.advisory import Advisory, Place, nameless, units, vulnerability
from fixby.scanners.formats.fields import (
    optional_child,
    optional_each,
    optional_quantity,
    optional_texts,
    records,
    word,
)
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.packages import package
from fixby.scanners.formats.places import at, image_name, in_image
from fixby.scanners.formats.ratings import Rating, Score, rating, score_of
from fixby.scanners.formats.wording import cwes
from fixby.scanners.report import Record, as_record, child, each, has, printable, text
from fixby.scanners.scanner import Reading, Source

NAME = "grype"


def recognises(report: Report) -> bool:
    """Whether it has matches and a source or a descriptor."""
    found = report.json
    return (
        isinstance(found, dict)
        and isinstance(found.get("matches", ""), (list, type(None)))
        and not {"source", "descriptor", "distro"}.isdisjoint(found)
    )


def read(report: Report, source: Source) -> Sequence[Told]:
    """What Grype says. Raises `ReportError`."""
    record = as_record(report.json, "the top of the report")
    reader = _Reader(source, _image(optional_child(record, "source")), word(optional_child(record, "distro"), "name"))
    ignored = optional_each(record, "ignoredMatches", reader.ignored)
    nothing = "matches" in record and not has(record, "matches")
    findings = (*([] if nothing else each(record, "matches", reader.finding)), *ignored)
    descriptor = optional_child(record, "descriptor")
    problems = (*_problems(record, descriptor), *nameless(findings))
    return [Told(NAME, Reading(findings, _version(descriptor), units(findings), problems=problems))]


def _image(source: Record) -> str:
    """The name of the image that was looked at; nothing where it was none."""
    if word(source, "type") != "image":
        return ""
    target = child(source, "target")
    tags = optional_texts(target, "tags")
    name = image_name(word(target, "userInput"))
    return next(map(image_name, tags), name) if name == "image" else name


def _version(descriptor: Record) -> str:
    """The version of Grype, and the day on which its database was built."""
    version = word(descriptor, "version")
    database = optional_child(descriptor, "db")
    built = word(optional_child(database, "status"), "built") or word(database, "built")
    said = "" if version.startswith("[") else version
    return f"{said} (database of {printable(built[:10])})".strip() if built else said


def _problems(record: Record, descriptor: Record) -> Iterator[str]:
    """What makes the matches fewer than they should be: a bad database, no source, a system past its end."""
    database = optional_child(descriptor, "db")
    status = optional_child(database, "status")
    built = word(status, "built") or word(database, "built")
    for error in filter(None, (word(database, "error"), word(status, "error"))):
        yield f"the database, built {built or 'at an unknown time'}, is not in order: {redacted(printable(error))}"
    if status.get("valid") is False and not has(status, "error"):
        yield f"the database, built {built or 'at an unknown time'}, is not valid"
    if word(optional_child(record, "source"), "type") == "unknown":
        yield "the report does not say what was looked at"
    for alert in records(record, "alertsByPackage"):
        for one in records(alert, "alerts"):
            yield redacted(
                printable(f"{word(optional_child(alert, 'package'), 'name')}: {word(one, 'message', 'type')}")
            )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads matches: in an image where it has a name, of a system where its distribution has one."""

    source: Source
    image: str
    distribution: str

    def finding(self, row: Record) -> Finding:
        found, related = child(row, "vulnerability"), records(row, "relatedVulnerabilities")
        artifact, fix = child(row, "artifact"), optional_child(found, "fix")
        component = self._component(artifact, _fixed(found, fix))
        return vulnerability(
            NAME,
            _advisory(found, related),
            component,
            Place(self._locations(artifact, component), in_image=bool(self.image)),
            fix=_STATES.get(word(fix, "state"), ""),
        )

    def ignored(self, row: Record) -> Finding:
        """A match that rules of the user, or a VEX document, took out."""
        rules = records(row, "appliedIgnoreRules")
        reasons = ("; ".join(filter(None, map(_rule, rules)))) or "ignored"
        by = next((word(rule, "namespace") for rule in rules if word(rule, "namespace") == "vex"), NAME)
        return replace(self.finding(row), suppression=Suppression(by, redacted(printable(reasons))))

    def _component(self, artifact: Record, fixed: tuple[str, ...]) -> Component:
        kind = text(artifact, "type")
        named = self.distribution if kind in _SYSTEMS else kind
        return package(word(artifact, "purl"), named or kind, text(artifact, "name"), word(artifact, "version"), fixed)

    def _locations(self, artifact: Record, component: Component) -> tuple[Location, ...]:
        paths = list(dict.fromkeys(filter(None, (word(one, "path") for one in records(artifact, "locations")))))
        if self.image:
            system = component.ecosystem in _SYSTEMS
            return tuple(in_image(self.image, path) for path in ([""] if system else paths[:1] or [""]))
        return tuple(place for path in paths for place in at(self.source, path.removeprefix("/")))[:1]


_SYSTEMS = frozenset({"alpm", "apk", "deb", "rpm"})

_STATES = {
    "not-fixed": "There is no fixed version yet.",
    "wont-fix": "The vendor will not fix it.",
}


def _fixed(found: Record, fix: Record) -> tuple[str, ...]:
    """All fixed versions; early reports have one, at the vulnerability."""
    single = word(found, "fixedInVersion")
    return optional_texts(fix, "versions") or ((single,) if single else ())


def _rule(rule: Record) -> str:
    """A rule in words: what it says of itself, else what it selects."""
    said = [
        word(rule, "vex-status", "vexStatus"),
        word(rule, "vex-justification", "vexJustification"),
        word(rule, "reason"),
    ]
    selects = [f"{key} {word(rule, key)}" for key in ("vulnerability", "fix-state") if word(rule, key)]
    return " ".join(filter(None, said)) or " ".join(selects)


def _advisory(found: Record, related: Sequence[Record]) -> Advisory:
    everything = (found, *related)
    name = word(found, "id")
    links = [link for one in everything for link in (word(one, "dataSource"), *optional_texts(one, "urls"))]
    links += [word(one, "link") for one in records(found, "advisories")]
    weaknesses = [word(one, "cwe") for record in everything for one in records(record, "cwes")]
    return Advisory(
        name,
        tuple(filter(None, (name, *(word(one, "id") for one in related)))),
        description=next(filter(None, (word(one, "description") for one in everything)), ""),
        rating=_rating(found, related),
        cwes=cwes(weaknesses),
        references=tuple(links),
    )


def _rating(found: Record, related: Sequence[Record]) -> Rating:
    said = rating(word(found, "severity"))
    if said[0].rank >= 0:
        return said
    own = list(_scores(found))
    return rating("", own or [score for one in related for score in _scores(one)])


def _scores(record: Record) -> Iterator[Score]:
    for row in records(record, "cvss"):
        score = optional_quantity(optional_child(row, "metrics"), "baseScore")
        if score is None:
            computed = score_of(word(row, "vector"))
            if computed:
                yield computed
        else:
            yield (float(word(row, "version")[:3]) if word(row, "version")[:3] in _VERSIONS else 0.0), score


_VERSIONS = frozenset({"2.0", "3.0", "3.1", "4.0"})
