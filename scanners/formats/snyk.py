"""Snyk: the JSON of `snyk test`, `snyk container test` and `snyk iac test`, of one project or of several.

Severities are Snyk's own, with critical where it says so (`severityWithCritical`). All paths to one package in one
version with one vulnerability are one finding, grouped (`--group-issues`) or not; the message tells them. A package
stands in the project's manifest; in an image by the image's name, and its applications by their file too. What is
ignored or patched by a policy is suppressed. Licences that a policy rates are findings of licences. Settings are read
by `snyk_settings`. Results of Snyk Code are SARIF, and read as such. A project that is not `ok` and of which nothing is
listed is a problem.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, zip_longest

from fixby.component import Component
from fixby.errors import ReportError
from fixby.finding import Category, Finding, Rule, Suppression
from fixby.redaction import redacted
from fixby.scanners.formats.advisory import Advisory, Place, nameless, units, vulnerability
from fixby.scanners.formats.fields import optional_child, optional_quantity, optional_texts, records, word
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.packages import package
from fixby.scanners.formats.places import at, image_name, in_image
from fixby.scanners.formats.ratings import rating, scores_of
from fixby.scanners.formats.snyk_settings import settings
from fixby.scanners.formats.wording import cwes
from fixby.scanners.report import Record, each, has, items, printable, required_text, text, texts
from fixby.scanners.scanner import Reading, Source

NAME = "snyk"


def recognises(report: Report) -> bool:
    """Whether it, or the first of several, is the result of a project, or the error of one."""
    match report.json:
        case {"vulnerabilities": list(), "ok": bool()} | [{"vulnerabilities": list(), "ok": bool()}, *_]:
            return True
        case {"infrastructureAsCodeIssues": list()} | [{"infrastructureAsCodeIssues": list()}, *_]:
            return True
        case {"ok": False, "error": str(), "path": str()} | [{"ok": False, "error": str(), "path": str()}, *_]:
            return True
        case _:
            return False


def read(report: Report, source: Source) -> Sequence[Told]:
    """What Snyk says. Raises `ReportError`, also where it is nothing but an error of Snyk's."""
    found = report.json
    projects = found if isinstance(found, list) else [found]
    heard = _Heard(source)
    each({"projects": projects}, "projects", heard.hear)
    if len(projects) == len(heard.errors) == 1:
        raise ReportError(f"the test failed: {heard.errors[0]}", "Run Snyk again.")
    findings = tuple(heard.findings)
    nothing = () if projects else ("the report is of no project: nothing was looked at",)
    problems = (*heard.errors, *heard.problems, *nothing, *nameless(findings))
    return [Told(NAME, Reading(findings, scanned=units(findings), problems=tuple(dict.fromkeys(problems))))]


_Key = tuple[str, str, str]


@dataclass(slots=True)
class _Heard:
    """What was read so far."""

    source: Source
    findings: list[Finding] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def hear(self, project: Record) -> None:
        """Take the result of one project in, and of the applications in its image."""
        if has(project, "error"):
            where = word(project, "path")
            self.errors.append(redacted(printable(": ".join(filter(None, (where, text(project, "error")))))))
            return
        image, before = _image(project), len(self.findings)
        self.findings += settings(NAME, self.source, project)
        for part in (project, *records(project, "applications")):
            self._part(part, image)
        if project.get("ok") is False and len(self.findings) == before:
            where = printable(word(project, "displayTargetFile", "targetFile", "projectName", "path"))
            self.problems.append(f"Snyk says that {where or 'the project'} is not in order, and lists nothing")

    def _part(self, part: Record, image: str) -> None:
        target = word(part, "displayTargetFile", "targetFile")
        place = Place((in_image(image, target),), in_image=True) if image else Place(at(self.source, target))
        reader = _Reader(place, word(part, "packageManager"))
        if has(part, "vulnerabilities") or "infrastructureAsCodeIssues" not in part:
            self.findings += reader.findings(each(part, "vulnerabilities", lambda row: row))
        filtered = optional_child(part, "filtered")
        for kind in ("ignore", "patch"):
            rows = records(filtered, kind)
            reasons = {_key(row): _reason(row, kind) for row in chain.from_iterable(map(_ungrouped, rows))}
            for key, finding in reader.by_key(rows).items():
                self.findings.append(replace(finding, suppression=Suppression(NAME, reasons[key])))
        if part.get("hasUnknownVersions") is True:
            self.problems.append(f"versions of packages in {target or image or 'the project'} are unknown to Snyk")


def _image(project: Record) -> str:
    name = word(project, "projectName")
    return image_name(name) if has(project, "docker") or name.startswith("docker-image|") else ""


def _key(row: Record) -> _Key:
    return text(row, "id"), word(row, "name", "packageName", "moduleName"), word(row, "version")


def _reason(row: Record, kind: str) -> str:
    """Why a policy left something out."""
    listed = records(optional_child(row, "filtered"), "ignored")
    reasons = filter(None, (word(one, "reason") for one in listed))
    return redacted(printable("; ".join(dict.fromkeys(reasons)))) or ("ignored" if kind == "ignore" else "patched")


@dataclass(frozen=True, slots=True)
class _Reader:
    place: Place
    manager: str

    def findings(self, rows: Sequence[Record]) -> Iterator[Finding]:
        """One finding for each vulnerability of a package in a version."""
        yield from self.by_key(rows).values()

    def by_key(self, rows: Sequence[Record]) -> dict[_Key, Finding]:
        """The findings by vulnerability, package and version."""
        some: dict[_Key, list[Record]] = {}
        for row in chain.from_iterable(map(_ungrouped, rows)):
            some.setdefault(_key(row), []).append(row)
        return {key: self._finding(paths) for key, paths in some.items()}

    def _finding(self, paths: Sequence[Record]) -> Finding:
        row = paths[0]
        component = self._component(row)
        if word(row, "type") == "license":
            return self._licence(row, component)
        fix = "; ".join(dict.fromkeys(filter(None, map(_upgrade, paths))))
        finding = vulnerability(NAME, _advisory(row, paths), component, self.place)
        return replace(finding, fix=printable(f"Upgrade {fix}.")) if fix else finding

    def _component(self, row: Record) -> Component:
        kind = word(row, "packageManager") or self.manager
        name = word(row, "name", "packageName", "moduleName")
        if kind.partition(":")[0] in _SYSTEMS:
            name = name.rpartition("/")[2]
        fixed = optional_texts(row, "fixedIn") or tuple(filter(None, (word(row, "nearestFixedInVersion"),)))
        return package("", kind, name, word(row, "version"), fixed)

    def _licence(self, row: Record, component: Component) -> Finding:
        severity, source = rating(word(row, "severityWithCritical", "severity"))
        name = printable(word(row, "license") or text(row, "id"))
        return Finding(
            Category.LICENCE,
            NAME,
            Rule(required_text(row, "id"), printable(word(row, "title") or name)),
            severity,
            source,
            f"{component.name} is under the licence {name}.",
            self.place.locations,
            component=component,
            code=component.name,
        )


_SYSTEMS = frozenset(
    {"alpine", "amzn", "apk", "centos", "deb", "debian", "linux", "oracle", "rhel", "rpm", "sles", "ubuntu"}
)


def _ungrouped(row: Record) -> Iterator[Record]:
    """One row for each path of a row with several packages and paths, which Snyk writes with `--group-issues`."""
    names, paths = row.get("name"), row.get("from")
    if not isinstance(names, list) and not (isinstance(paths, list) and any(isinstance(one, list) for one in paths)):
        yield row
        return
    named = texts(row, "name") if isinstance(names, list) else (text(row, "name"),)
    ways = items(row, "from") if isinstance(paths, list) else []
    for name, way in zip_longest(named, ways, fillvalue=None):
        yield {**row, "name": name or named[-1] if named else "", "from": way if isinstance(way, list) else []}


def _upgrade(row: Record) -> str:
    """The first package on a path that has to be upgraded for the sake of the last."""
    steps = items(row, "upgradePath") if has(row, "upgradePath") else []
    before = optional_texts(row, "from")
    for old, new in zip(before, steps, strict=False):
        if isinstance(new, str) and old != new:
            return f"{old} to {new.rpartition('@')[2]}"
    return ""


def _advisory(row: Record, paths: Sequence[Record]) -> Advisory:
    identifiers = optional_child(row, "identifiers")
    known = [name for kind in sorted(identifiers) if kind != "CWE" for name in optional_texts(identifiers, kind)]
    chains = [" > ".join(optional_texts(path, "from")) for path in paths]
    shown = "\n".join(chains[:_MANY]) + (f"\nand {len(chains) - _MANY} more" if len(chains) > _MANY else "")
    told = f"\n\nIntroduced by:\n{shown}" if any(chains) else ""
    score = optional_quantity(row, "cvssScore")
    return Advisory(
        text(row, "id"),
        (text(row, "id"), *known, *optional_texts(row, "alternativeIds")),
        word(row, "title"),
        f"{word(row, 'description')}{told}",
        rating(
            word(row, "severityWithCritical", "severity"),
            scores_of([word(row, "CVSSv3")]) or ([(3.0, score)] if score else []),
        ),
        cwes(optional_texts(identifiers, "CWE")),
        (
            f"https://security.snyk.io/vuln/{text(row, 'id')}",
            *(word(link, "url") for link in records(row, "references")),
        ),
    )


_MANY = 20
