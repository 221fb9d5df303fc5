"""What a target's own ignore files and comments would have hidden: the tools do not obey them, and we mark it."""

import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from fixby.errors import ReportError
from fixby.finding import Finding, Suppression
from fixby.policies.decisions_file import Stated
from fixby.policies.ignore_files import WITHOUT_END, accepted
from fixby.redaction import redacted
from fixby.scanners.report import printable
from fixby.scanners.scanner import Source

COMMENTS = re.compile(rb"(?i)\b(?:trivy|tfsec):ignore")
"""What comments by which Trivy leaves out a finding begin with."""


def marked(findings: Iterable[Finding], files: Sequence[str], source: Source, now: int) -> tuple[Finding, ...]:
    """The findings, those marked as suppressed that an entry of one of the ignore files, or a comment, speaks of.

    `now` is a UTC second: an entry that has ended marks nothing. What cannot be read marks nothing.
    """
    today = datetime.fromtimestamp(now, UTC).date().isoformat()
    entries = [(file, one) for file in files for one in _entries(source, file) if _holds(one, today)]
    return tuple(_marked(finding, entries, source, today) for finding in findings)


def _entries(source: Source, file: str) -> list[Stated]:
    content = source.lines(source.path(file), 1, sys.maxsize)
    try:
        return accepted(content) if content.strip() else []
    except ReportError:
        return []


def _holds(entry: Stated, today: str) -> bool:
    """Whether an entry has not ended; of one whose end is no date nobody knows."""
    if entry.until == WITHOUT_END:
        return True
    try:
        return datetime.fromisoformat(entry.until).date().isoformat() >= today
    except ValueError:
        return False


def _marked(finding: Finding, entries: Sequence[tuple[str, Stated]], source: Source, today: str) -> Finding:
    if finding.suppression:
        return finding
    for file, entry in entries:
        if all(_speaks_of(word, finding) for word in shlex.split(entry.query)):
            return replace(finding, suppression=Suppression(file, redacted(printable(entry.reason))))
    comment = _comment(finding, source, today)
    return replace(finding, suppression=Suppression("trivy:ignore", redacted(comment))) if comment else finding


def _speaks_of(word: str, finding: Finding) -> bool:
    key, _, value = word.partition(":")
    match key:
        case "cve":
            names = {finding.rule.id, *finding.identifiers.names}
            return value.upper() in {name.upper() for name in names}
        case "rule":
            return same_check(value, finding.rule.id)
        case "path":
            return any(fnmatchcase(finding.path, glob) for glob in value.split(","))
        case "package":
            return finding.component is not None and finding.component.name in value.split(",")
        case _:
            return False


def same_check(one: str, other: str) -> bool:
    """Whether two names are of one check of Trivy: `AVD-DS-0002`, `DS-0002` and `DS002` are."""
    return one == other or _plain(one) == _plain(other)


def _plain(name: str) -> tuple[str, int] | str:
    match = _CHECK.fullmatch(name.upper().removeprefix("AVD-"))
    return (match["kind"], int(match["number"])) if match else name.upper()


_CHECK = re.compile(r"(?P<kind>[A-Z]+)-?(?P<number>\d+)")
_IGNORED = re.compile(r"(?i)\b(?:trivy|tfsec):ignore:(?P<check>[\w*-]+)(?::exp:(?P<end>\d{4}-\d\d-\d\d))?")
_FARTHEST = 20


def _comment(finding: Finding, source: Source, today: str) -> str:
    """The comment by which Trivy would leave a finding out: on its first line, or in the comments right above."""
    line = finding.locations[0].line if finding.locations else None
    if line is None:
        return ""
    above = source.lines(finding.path, max(line - _FARTHEST, 1), line).split("\n")
    for text in reversed(above):
        for said in _IGNORED.finditer(text):
            ended = said["end"] is not None and said["end"] < today
            if not ended and (said["check"] == "*" or same_check(said["check"], finding.rule.id)):
                return said[0]
        if text is not above[-1] and not text.lstrip().startswith(("#", "//")):
            return ""
    return ""
