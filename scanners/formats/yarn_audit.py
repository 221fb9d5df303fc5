"""yarn audit in JSON lines: those of yarn 1, an advisory for each path to a package, and those of yarn 4.

Severities are the registry's. One advisory of a package is one finding, however many paths lead to it. Errors, the lack
of a lock file and of the summary at the end are problems; yarn 4 writes no summary, so one that was cut between two
lines cannot be told. No report names the manifest: a package has no place.
"""

from collections.abc import Sequence

import orjson

from fixby.errors import ReportError
from fixby.finding import Finding
from fixby.redaction import redacted
from fixby.scanners.formats.advisory import Advisory, Place, nameless, units, vulnerability
from fixby.scanners.formats.fields import records, word, words_at
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.npm_audit import advised, github_name
from fixby.scanners.formats.packages import package
from fixby.scanners.formats.ratings import rating
from fixby.scanners.report import HINT, Record, as_record, child, printable, text
from fixby.scanners.scanner import Reading, Source

NAME = "yarn-audit"


def recognises(report: Report) -> bool:
    """Whether the first line is one of yarn's."""
    match report.first_line:
        case {"type": "auditAdvisory" | "auditSummary" | "auditAction", "data": dict()}:
            return True
        case {"type": str(), "data": _}:
            return b'"auditSummary"' in report.content or b'"auditAdvisory"' in report.content
        case {"value": str(), "children": {"Issue": _, "Severity": _}}:
            return True
        case _:
            return False


def read(report: Report, source: Source) -> Sequence[Told]:  # noqa: ARG001 - no report names a file
    """What yarn says. Raises `ReportError` with the line that is damaged."""
    lines = [_line(number, line) for number, line in enumerate(report.content.splitlines(), start=1) if line.strip()]
    if not any("type" in line or "children" in line for line in lines):
        raise ReportError("expected JSON lines of yarn audit, found none", HINT)
    told = [child(child(line, "data"), "advisory") for line in lines if line.get("type") == "auditAdvisory"]
    findings = [advised(NAME, row, str(row.get("id", ""))) for row in _once(told)]
    findings += [_issue(line) for line in lines if "children" in line]
    problems = (*_problems(lines), *nameless(findings))
    return [Told(NAME, Reading(tuple(findings), scanned=units(findings), problems=problems))]


def _line(number: int, line: bytes) -> Record:
    try:
        return as_record(orjson.loads(line), f"line {number}")
    except orjson.JSONDecodeError as error:
        raise ReportError(f"line {number} of the report is no JSON: {error.msg}", HINT) from error


def _once(advisories: Sequence[Record]) -> list[Record]:
    """One record for each advisory of a package, with what all of its records found."""
    found: dict[tuple[str, str], Record] = {}
    for row in advisories:
        key = (str(row.get("id", "")), text(row, "module_name"))
        known = found.setdefault(key, {**row, "findings": []})
        known["findings"] = _joined(records(known, "findings"), records(row, "findings"))
    return list(found.values())


def _joined(some: list[Record], others: list[Record]) -> list[Record]:
    return some + [other for other in others if other not in some]


def _problems(lines: Sequence[Record]) -> list[str]:
    said = [
        redacted(printable(word(line, "data")))
        for line in lines
        if line.get("type") == "error" or (line.get("type") == "info" and line.get("data") == "No lockfile found.")
    ]
    is_first = any("type" in line for line in lines)
    if is_first and not any(line.get("type") == "auditSummary" for line in lines):
        said.append("the report has no summary: it was cut short")
    return said


_DEPRECATION = " (deprecation)"
"""How the number of what is no advisory ends: the package is deprecated."""


def _issue(line: Record) -> Finding:
    row, name = child(line, "children"), text(line, "value")
    number = str(row.get("ID", ""))
    deprecated = number.endswith(_DEPRECATION)
    known = () if deprecated else tuple(filter(None, (github_name(word(row, "URL")),))) or (f"npm-{number}",)
    versions = words_at(row, "Tree Versions")
    bringing = ", ".join(words_at(row, "Dependents")[:20])
    advisory = Advisory(
        known[0] if known else "deprecation",
        known,
        word(row, "Issue"),
        f"{word(row, 'Issue')}\n\nVersions: {', '.join(versions)}. Brought in by: {bringing}.",
        rating(word(row, "Severity")),
        references=(word(row, "URL"),),
    )
    return vulnerability(NAME, advisory, package("", "npm", name, next(iter(versions), "")), Place())
