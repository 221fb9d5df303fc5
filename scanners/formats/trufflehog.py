"""TruffleHog: secrets in files, in the history of git and in many services. Its JSON lines of versions 2 and 3.

It has no severities, so that this table decides:

| TruffleHog says | severity |
|---|---|
| version 3: found to work (`Verified`) | critical |
| version 3: not found to work | high |
| version 2: high entropy | low |
| version 2: any other reason | medium |

A secret is known by itself: by `Raw`, which versions of 2022 write in base64. Version 2 tells all strings that one
change has for one reason; they are one finding, known by all of them together. Its lines are those of the file before
or after the change, which nobody can tell, so that there is no line. The end of JSON lines cannot be seen: a report
that is cut between two lines is a whole one. That a report is empty where nothing was found, it does not say either,
unless its log is in the report and ends with that of the scan.
"""

import base64
import re
from collections.abc import Sequence
from functools import lru_cache, partial

from fixby.errors import ReportError
from fixby.finding import Finding, Location, Rule
from fixby.scanners.formats.addresses import line_at, location
from fixby.scanners.formats.fields import each_line, each_of, optional_child, words_at
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.leaks import CREDENTIAL, leak
from fixby.scanners.formats.wording import clean, prose
from fixby.scanners.report import HINT, Record, child, document, has, optional_text, required_text, text, texts
from fixby.scanners.scanner import Reading, Source
from fixby.severity import Severity, SeveritySource

NAME = "trufflehog"


def recognises(report: Report) -> bool:
    """Whether the first line, or the first object of a list, has the fields of version 3 or 2, or is of its log."""
    found = report.first_line
    if not isinstance(found, dict):
        found = report.json
    first = found[0] if isinstance(found, list) and found else found
    if not isinstance(first, dict):
        return False
    is_log = {"level", "msg"} <= first.keys() and str(first.get("logger", "")).startswith(NAME)
    return is_log or {"SourceMetadata", "DetectorName"} <= first.keys() or {"stringsFound", "reason"} <= first.keys()


def read(report: Report, source: Source) -> Sequence[Told]:
    """The secrets. Raises `ReportError` where the report is damaged."""
    if not report.content.strip():
        document(report.content)
    listed, read_row = report.json, partial(_of_line, source)
    told = each_of(listed, read_row) if isinstance(listed, list) else list(each_line(report, read_row))
    problems = tuple(dict.fromkeys(one for one in told if isinstance(one, str) and one not in ("", _FINISHED)))
    findings = tuple(one for one in told if isinstance(one, Finding))
    is_told = findings or _FINISHED in told
    return [Told(NAME, Reading(findings, problems=problems or (() if is_told else (_NO_SECRET,))))]


_FINISHED = "finished scanning"
"""What TruffleHog 3 logs at the end of a scan."""


_NO_SECRET = "the report tells of no secret, nor of what was looked at"  # noqa: S105 - a sentence


def _of_line(source: Source, row: Record) -> Finding | str:
    """What a line tells: a secret, or what TruffleHog 3 logs, of which errors are problems and the end is told."""
    if {"level", "msg"} <= row.keys():
        words = text(row, "msg")
        return prose(words) if text(row, "level").startswith(("error", "fatal")) or words == _FINISHED else ""
    return _finding(source, row)


def _finding(source: Source, row: Record) -> Finding:
    if "SourceMetadata" in row:
        return _version_3(source, row)
    if "stringsFound" in row:
        return _version_2(source, row)
    raise ReportError("expected a secret with `SourceMetadata` or `stringsFound`, found neither", HINT)


def _version_3(source: Source, row: Record) -> Finding:
    kind, verified = required_text(row, "DetectorName"), row.get("Verified") is True
    place, commit = _place(source, child(row, "SourceMetadata"))
    secret, shown = _secret(row), optional_text(row, "Redacted")
    states = "found to work" if verified else "not verified"
    words = f"{kind} secret, {states}{f', in commit {commit}' if commit else ''}."
    return leak(
        NAME,
        _rule(kind),
        (Severity.CRITICAL if verified else Severity.HIGH, SeveritySource.DEFAULT),
        words,
        place,
        secret=secret,
        instead=f"{kind} {shown} {[(at.path, at.line) for at in place]}",
        source=source,
    )


def _version_2(source: Source, row: Record) -> Finding:
    reason, strings = required_text(row, "reason"), sorted(set(texts(row, "stringsFound")))
    name, commit = optional_text(row, "path"), optional_text(row, "commitHash")
    entropy = reason.lower() == "high entropy"
    return leak(
        NAME,
        _rule(reason),
        (Severity.LOW if entropy else Severity.MEDIUM, SeveritySource.DEFAULT),
        f"{reason}: {len(strings)} string{'s' if len(strings) != 1 else ''}{f' in commit {commit}' if commit else ''}.",
        (location(name, source),) if name else (),
        secret="\n".join(strings),
        instead=f"{reason} {name}",
        source=source,
    )


def _secret(row: Record) -> str:
    """The secret; bytes in base64 where a version says neither how it was decoded nor the second form of it."""
    raw = optional_text(row, "Raw")
    if "DecoderName" in row or "RawV2" in row:
        return raw or optional_text(row, "RawV2")
    try:
        return base64.b64decode(raw, validate=True).decode()
    except ValueError:
        return raw


def _place(source: Source, metadata: Record) -> tuple[tuple[Location, ...], str]:
    """Where in its source a secret is: a file, else the address of whatever holds it; and the commit."""
    data = optional_child(metadata, "Data")
    kind = next(iter(sorted(data)), "")
    row = child(data, kind) if kind else {}
    name = next((found for key in _PLACES for found in words_at(row, key)), "")
    commit = optional_text(row, "commit")
    if not name:
        return ((Location(clean(kind)),) if kind else ()), commit
    return (location(name, source, line_at(row, "line") if has(row, "line") else None),), commit


_PLACES = (
    "file",
    "path",
    "filename",
    "link",
    "url",
    "repository",
    "bucket",
    "image",
    "channel_name",
    "project",
    "target",
)


@lru_cache(maxsize=1024)
def _rule(kind: str) -> Rule:
    id_ = re.sub(r"[^a-z0-9]+", "-", clean(kind).lower()).strip("-") or clean(kind)
    return Rule(id_, clean(kind if kind[:1].isupper() else kind.capitalize()), CREDENTIAL)
