"""GitLab's reports of static analysis (`gl-sast-report.json`) and secret detection, of any version of their schema.

| GitLab says | severity |
|---|---|
| Critical, High, Medium, Low, Info | the same |
| Unknown, Undefined, or nothing | unknown, by default |

The rule is the first identifier that is neither a CWE nor an OWASP category. A secret is known by itself where the
report has it (`raw_source_code_extract`), else by rule, file and the hash in `cve`. Vulnerabilities with `flags` of
false positives stay open: the flag is an analyser's guess; those that GitLab says are dismissed are suppressed. The
scan is partial where its status is not `success`, and where it has messages of errors or warnings. Which files were
looked at, the report does not say.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from fixby.errors import ReportError
from fixby.finding import Category, Finding, Location, Rule, Suppression
from fixby.identifiers import identifiers
from fixby.redaction import without
from fixby.scanners.excerpt import CREDENTIAL_CWES, code_at
from fixby.scanners.formats.addresses import line_at, location
from fixby.scanners.formats.fields import grouped, loaded_record, optional_child, optional_each
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.leaks import CREDENTIAL, leak
from fixby.scanners.formats.ratings import rating
from fixby.scanners.formats.wording import clean, cwes, prose, spoken
from fixby.scanners.report import HINT, Record, child, each, has, optional_text
from fixby.scanners.scanner import Reading, Source

NAME = "gitlab"

_TYPES = frozenset({"sast", "secret_detection", "api_fuzzing", "dast", "coverage_fuzzing"})


_KEYS = {"version", "schema", "vulnerabilities", "remediations", "scan"}


def recognises(report: Report) -> bool:
    """Whether it is a report of GitLab's that is not about packages: by its type, else by what it tells of."""
    found = report.json
    if not isinstance(found, dict) or not {"version", "vulnerabilities"} <= found.keys():
        return False
    scan, some = found.get("scan"), found["vulnerabilities"]
    if isinstance(scan, dict) and scan.get("type"):
        return str(scan["type"]) in _TYPES
    if not isinstance(some, list) or not some:
        return some == [] and found.keys() <= _KEYS
    return isinstance(some[0], dict) and _kind(some[0], "") in _TYPES


def read(report: Report, source: Source) -> Sequence[Told]:
    """The vulnerabilities, by the analyser that found them. Raises `ReportError` where the report is damaged."""
    record = loaded_record(report)
    scan = optional_child(record, "scan")
    analyser, version = optional_child(scan, "scanner"), optional_text(record, "version")
    if not version:
        raise ReportError("expected the schema's version at `version`, found nothing", HINT)
    fallback = _tool(analyser) or "gitlab"
    reader = _Reader(source, optional_text(scan, "type"), fallback)
    findings = each(record, "vulnerabilities", reader.finding)
    problems, own = tuple(_problems(scan)), clean(optional_text(analyser, "version"))
    by_tool = grouped((one.scanner, one) for one in findings) or {fallback: []}
    return [
        Told(name, Reading(tuple(some), own if name == fallback else "", problems=problems))
        for name, some in by_tool.items()
    ]


def _problems(scan: Record) -> Iterator[str]:
    status = optional_text(scan, "status")
    if status and status != "success":
        yield f"GitLab says of the scan: {clean(status)}"
    for one in optional_each(scan, "messages", lambda row: row):
        if optional_text(one, "level").lower() in ("fatal", "error", "warn", "warning"):
            yield " ".join(prose(optional_text(one, "value")).split()) or "an error without words"


def _tool(scanner: Record) -> str:
    """An analyser's name as findings bear it: `gitleaks`, `find-sec-bugs`, `semgrep`."""
    words = optional_text(scanner, "id") or optional_text(scanner, "name")
    return re.sub(r"[^a-z0-9.+@/]+", "-", clean(words)[:100].lower()).strip("-")


def _kind(row: Record, otherwise: str) -> str:
    """What sort of report a vulnerability is of: by its category, else by the form of its location."""
    category, place = row.get("category"), row.get("location")
    if isinstance(category, str) and category:
        return category
    if (
        otherwise
        or not isinstance(place, dict)
        or "image" in place
        or (place.get("dependency") and not _has_line(place))
    ):
        return otherwise or ("sast" if isinstance(place, dict) and _has_line(place) else "")
    return "secret_detection" if "raw_source_code_extract" in row else "sast" if "file" in place else ""


def _has_line(place: Record) -> bool:
    """Whether a location is one of code."""
    return has(place, "start_line")


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads vulnerabilities; those of old schemas name their analyser themselves."""

    source: Source
    type: str
    fallback: str
    rules: dict[tuple[str, str, tuple[str, ...], tuple[str, ...]], Rule] = field(default_factory=dict)

    def finding(self, row: Record) -> Finding:
        tool = _tool(optional_child(row, "scanner")) or self.fallback
        named = optional_each(row, "identifiers", lambda one: one)
        places = tuple(self._places(row))
        secret = optional_text(row, "raw_source_code_extract")
        is_secret = _kind(row, self.type) == "secret_detection"
        rule = self._rule(row, named, CREDENTIAL if is_secret else ())
        words = optional_text(row, "description") or optional_text(row, "message") or rule.title
        if is_secret:
            where = optional_text(row, "cve") or f"{rule.id}:{places[0].path if places else ''}:{row.get('id')}"
            return leak(
                tool,
                rule,
                rating(row.get("severity")),
                words,
                places,
                secret=secret,
                instead=where,
                source=self.source,
                suppression=_suppression(row),
            )
        credential = not CREDENTIAL_CWES.isdisjoint(rule.cwes)
        severity, severity_source = rating(row.get("severity"))
        return Finding(
            Category.CODE,
            tool,
            rule,
            severity=severity,
            severity_source=severity_source,
            message=prose(without({secret}, words) if credential else words, credential=credential),
            locations=places,
            identifiers=identifiers(
                optional_text(one, "value") for one in named if optional_text(one, "type").lower() in ("cve", "ghsa")
            ),
            fix=prose(optional_text(row, "solution")),
            code=code_at(places[0], self.source, secret, credential=credential) if places and secret else "",
            suppression=_suppression(row),
        )

    def _places(self, row: Record) -> Iterator[Location]:
        place = child(row, "location")
        name = optional_text(place, "file") or optional_text(place, "hostname") + optional_text(place, "path")
        if name:
            yield location(name, self.source, line_at(place, "start_line"), line_at(place, "end_line"))
        elif named := optional_text(place, "class") or optional_text(place, "method"):
            yield Location(clean(named))

    def _rule(self, row: Record, named: list[Record], otherwise: tuple[str, ...]) -> Rule:
        own = next((one for one in named if not _is_weakness(one)), None)
        title = prose(optional_text(row, "name") or optional_text(row, "message"))
        id_ = str(own.get("value") or own.get("name") or "") if own else ""
        if not id_ or (len(id_) > _SENTENCE and " " in id_):
            id_ = title
        if not id_.strip():
            raise ReportError("expected a rule in `identifiers`, found none", HINT)
        weaknesses = cwes(one.get("value") for one in named if optional_text(one, "type").lower() == "cwe") or otherwise
        links = [optional_text(one, "url") for one in (*named, *optional_each(row, "links", lambda link: link))]
        key = (
            clean(id_),
            title or spoken(clean(id_)),
            weaknesses,
            tuple(dict.fromkeys(clean(one) for one in links if one)),
        )
        if key not in self.rules:
            self.rules[key] = Rule(*key)
        return self.rules[key]


_SENTENCE = 40


def _is_weakness(identifier: Record) -> bool:
    return (
        optional_text(identifier, "type").lower() in ("cwe", "owasp")
        or "owasp" in optional_text(identifier, "name").lower()
    )


def _suppression(row: Record) -> Suppression | None:
    """Somebody dismissed it in GitLab, whose exports say so, or the analyser takes it for a false positive."""
    if optional_text(row, "state").lower() == "dismissed" or has(row, "dismissed_at"):
        reason = optional_text(row, "dismissal_reason") or optional_text(row, "comment")
        return Suppression("gitlab: dismissed", prose(reason))
    flags = optional_each(row, "flags", lambda one: one)
    doubted = [one for one in flags if "false-positive" in optional_text(one, "type")]
    return (
        Suppression("gitlab: likely false positive", prose(optional_text(doubted[0], "description")))
        if doubted
        else None
    )
