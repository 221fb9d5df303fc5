"""Dependabot alerts of GitHub: the list of its REST interface, answers to GraphQL queries for `vulnerabilityAlerts`.

Severities are GitHub's: critical, high, moderate or medium, low. An alert that was dismissed is a suppressed finding;
one that is fixed is none, and its package was looked at. A package stands in its manifest; where there are several
repositories, their names stand before it. GitHub names what the manifest requires, and no installed version, unless it
is required exactly. A page of several is a problem, as are errors of the query.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from fixby.finding import Finding, Suppression
from fixby.redaction import redacted
from fixby.scanners.formats.advisory import Advisory, Place, nameless, vulnerability
from fixby.scanners.formats.fields import (
    each_of,
    first_record,
    loaded_list,
    optional_child,
    optional_each,
    records,
    word,
)
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.npm_audit import scores_in
from fixby.scanners.formats.packages import package
from fixby.scanners.formats.places import at, path_in
from fixby.scanners.formats.ratings import rating
from fixby.scanners.formats.wording import cwes
from fixby.scanners.report import Record, as_record, child, each, has, items, printable, text
from fixby.scanners.scanner import Reading, Source

NAME = "dependabot"


def recognises(report: Report) -> bool:
    """Whether it is an alert, a list of them, or has some somewhere in the answer to a query, or in several."""
    match first_record(report):
        case {"security_advisory": dict(), "security_vulnerability": dict()}:
            return True
        case {"data": dict()}:
            return b'"vulnerabilityAlerts"' in report.content
        case _:
            return False


def read(report: Report, source: Source) -> Sequence[Told]:
    """What GitHub says. Raises `ReportError`."""
    found = report.json
    rows = loaded_list(report) if isinstance(found, list) else [found]
    if rows and isinstance(rows[0], dict) and "data" in rows[0]:
        alerts, problems = _answers(rows)
    elif isinstance(found, list) or "security_advisory" in as_record(found, "the top of the report"):
        alerts, problems = each_of(rows, _of_rest), []
    else:
        alerts, problems = _answers(rows)
    several = len({alert.repository for alert in alerts}) > 1
    read_ = [(alert, _finding(alert, source, several=several)) for alert in alerts]
    units = {f"{one.path}#{one.component.name}": "" for _, one in read_ if one.component}
    findings = tuple(one for alert, one in read_ if alert.state != "FIXED")
    problems += [] if alerts else ["the report has no alert: it does not say whether alerts are enabled"]
    problems += nameless(findings)
    return [Told(NAME, Reading(findings, scanned=units, problems=tuple(dict.fromkeys(problems))))]


def _answers(rows: list[object]) -> "tuple[list[_Alert], list[str]]":
    """The alerts in the answers to queries, and what is missing: of pages of one list the last has no next one."""
    answers = each_of(rows, lambda row: row)
    failed = [one for answer in answers for one in records(answer, "errors")]
    problems = [f"the query failed: {redacted(printable(word(one, 'message')))}" for one in failed]
    pages = [list(_connections(child(answer, "data"))) for answer in answers]
    alerts = [alert for page in pages for name, one in page for alert in _alerts(name, one)]
    last = {(name, place): one for page in pages for place, (name, one) in enumerate(page)}
    problems += [_MORE for one in last.values() if optional_child(one, "pageInfo").get("hasNextPage") is True]
    return alerts, problems


_MORE = "the report is one page of several: ask for the others too"


@dataclass(frozen=True, slots=True)
class _Alert:
    """What both interfaces say of an alert; `state` is in capitals, `OPEN` where it is not told."""

    repository: str
    state: str
    manifest: str
    requires: str
    vulnerability: Record
    advisory: Record
    ecosystem: str
    name: str
    reason: str
    link: str


def _connections(data: Record) -> Iterator[tuple[str, Record]]:
    """The alerts of each repository in the answer to a query, wherever the query put them, in order."""
    waiting: list[tuple[str, object]] = [("", data)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, list):
            waiting += [(name, one) for one in reversed(value)]
        if not isinstance(value, dict):
            continue
        own = value.get("nameWithOwner") or value.get("name")
        name = own if isinstance(own, str) else name
        for key in reversed(list(value)):
            if key == "vulnerabilityAlerts":
                yield name, child(value, key)
            else:
                waiting.append((name, value[key]))


def _alerts(repository: str, connection: Record) -> list[_Alert]:
    """The alerts of a repository, whether the query asked for nodes or for edges."""
    if has(connection, "edges"):
        return each(connection, "edges", lambda edge: _of_graphql(repository, child(edge, "node")))
    return each(connection, "nodes", partial(_of_graphql, repository))


def _of_graphql(repository: str, row: Record) -> _Alert:
    weakness = child(row, "securityVulnerability")
    about = child(weakness, "package")
    dismissed = has(row, "dismissedAt") or has(row, "autoDismissedAt")
    return _Alert(
        repository,
        (word(row, "state") or ("FIXED" if has(row, "fixedAt") else "DISMISSED" if dismissed else "OPEN")).upper(),
        word(row, "vulnerableManifestPath", "vulnerableManifestFilename"),
        word(row, "vulnerableRequirements"),
        weakness,
        child(weakness, "advisory") if has(weakness, "advisory") else child(row, "securityAdvisory"),
        word(about, "ecosystem"),
        text(about, "name"),
        ": ".join(filter(None, (word(row, "dismissReason"), word(row, "dismissComment")))),
        word(row, "permalink", "url"),
    )


def _of_rest(row: Record) -> _Alert:
    weakness = child(row, "security_vulnerability")
    dependency = optional_child(row, "dependency")
    about = child(weakness, "package")
    return _Alert(
        word(optional_child(row, "repository"), "full_name"),
        (word(row, "state") or "open").upper(),
        word(dependency, "manifest_path"),
        "",
        weakness,
        child(row, "security_advisory"),
        word(about, "ecosystem"),
        text(about, "name"),
        ": ".join(filter(None, (word(row, "dismissed_reason"), word(row, "dismissed_comment"))))
        or word(row, "state").replace("_", " "),
        word(row, "html_url"),
    )


def _finding(alert: _Alert, source: Source, *, several: bool) -> Finding:
    prefix = f"{alert.repository}/" if several and alert.repository else ""
    key = next((key for key in ("firstPatchedVersion", "first_patched_version") if key in alert.vulnerability), "")
    patched = optional_child(alert.vulnerability, key)
    exact = _EXACT.fullmatch(alert.requires.strip())
    fixed = tuple(filter(None, (word(patched, "identifier"),)))
    component = package("", alert.ecosystem or _kind(alert), alert.name, exact[1] if exact else "", fixed)
    manifest = path_in(source, alert.manifest)
    place = Place(at(source, f"{prefix}{manifest}" if manifest else alert.repository if several else ""))
    return vulnerability(
        NAME,
        _advisory(alert),
        component,
        place,
        fix="There is no fixed version yet." if key else "",
        suppression=Suppression(NAME, redacted(printable(alert.reason))) if "DISMISSED" in alert.state else None,
    )


_EXACT = re.compile(r"==?\s*v?(\d[\w.+-]*)")


def _kind(alert: _Alert) -> str:
    """The ecosystem by the manifest's name, where the query did not ask for it."""
    file = alert.manifest.rpartition("/")[2].lower()
    kind = next((kind for ending, kind in _MANIFESTS.items() if file.endswith(ending)), "")
    return kind or ("maven" if ":" in alert.name else "")


_MANIFESTS = {
    "cargo.lock": "cargo",
    "cargo.toml": "cargo",
    "composer.json": "composer",
    "composer.lock": "composer",
    "gemfile": "gem",
    "gemfile.lock": "gem",
    "go.mod": "golang",
    "go.sum": "golang",
    "package.json": "npm",
    "package-lock.json": "npm",
    "pipfile": "pypi",
    "pipfile.lock": "pypi",
    "pnpm-lock.yaml": "npm",
    "poetry.lock": "pypi",
    "pom.xml": "maven",
    "pyproject.toml": "pypi",
    "requirements.txt": "pypi",
    "uv.lock": "pypi",
    "yarn.lock": "npm",
    ".csproj": "nuget",
}


def _advisory(alert: _Alert) -> Advisory:
    row = alert.advisory
    named = [text(one, "value") for one in records(row, "identifiers")]
    known = (word(row, "ghsaId", "ghsa_id"), word(row, "cveId", "cve_id"), *named)
    names = tuple(dict.fromkeys(filter(None, known)))
    links = [link if isinstance(link, str) else word(as_record(link, "`references`"), "url") for link in _links(row)]
    return Advisory(
        names[0] if names else "",
        names,
        word(row, "summary"),
        word(row, "description"),
        rating(word(alert.vulnerability, "severity") or word(row, "severity"), scores_in(_cvss(row))),
        cwes(_weaknesses(row)),
        tuple(filter(None, (*links, word(row, "permalink"), alert.link))),
    )


def _links(row: Record) -> list[object]:
    return items(row, "references") if has(row, "references") else []


def _cvss(row: Record) -> Record:
    cvss = optional_child(row, "cvss")
    return {"cvss": {**cvss, "vectorString": cvss.get("vectorString") or cvss.get("vector_string")}}


def _weaknesses(row: Record) -> list[str]:
    if isinstance(row.get("cwes"), list):
        return optional_each(row, "cwes", lambda one: word(one, "cwe_id", "cweId"))
    return [word(one, "cweId") for one in records(optional_child(row, "cwes"), "nodes")]
