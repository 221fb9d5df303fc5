"""ESLint: JavaScript and TypeScript. Its formatters `json` and `json-with-metadata`.

| ESLint says | severity |
|---|---|
| 2, error | high |
| 1, warning | medium |

Every file that was linted is named, so that a finding which is gone from one is seen to be gone. A file that does not
parse or is ignored, and a rule that is not defined, make the scan partial. What a comment silences is a suppressed
finding (ESLint 8.8 and later report it). An empty list says that no file was linted: it is told as partial.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from fixby.errors import ReportError
from fixby.finding import Category, Finding, Rule, Suppression
from fixby.scanners.excerpt import code_at
from fixby.scanners.formats.addresses import location, path
from fixby.scanners.formats.fields import (
    NOTHING_SAID,
    each_of,
    first_record,
    loaded,
    optional_child,
    optional_each,
    optional_number,
)
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.ratings import UNRATED
from fixby.scanners.formats.wording import clean, prose, spoken
from fixby.scanners.report import HINT, Record, each, has, items, optional_text, required_text, text
from fixby.scanners.scanner import Reading, Source
from fixby.severity import Severity, SeveritySource

NAME = "eslint"


def recognises(report: Report) -> bool:
    """Whether it is a list of files with messages, or such a list with metadata of rules."""
    found = report.json
    if isinstance(found, dict):
        metadata = found.get("metadata")
        return "results" in found and isinstance(metadata, dict) and "rulesMeta" in metadata
    return {"filePath", "messages"} <= first_record(report).keys()


def read(report: Report, source: Source) -> Sequence[Told]:
    """The findings of all files. Raises `ReportError` where the report is damaged."""
    found = loaded(report)
    described: Record = {}
    if isinstance(found, dict):
        described = optional_child(optional_child(found, "metadata"), "rulesMeta")
        found = items(found, "results")
    if not isinstance(found, list):
        raise ReportError("expected a list of files at the top of the report", HINT)
    files = each_of(found, lambda row: _file(source, described, row))
    skipped = {name: reason for name, _, reasons in files for reason in reasons[:1]}
    problems = dict.fromkeys(problem for _, some, _ in files for problem in some if isinstance(problem, str))
    reading = Reading(
        tuple(one for _, some, _ in files for one in some if isinstance(one, Finding)),
        "",
        {name: "" for name, _, _ in files if name not in skipped} if files else None,
        skipped,
        tuple(problems) if files else (NOTHING_SAID,),
    )
    return [Told(NAME, reading)]


def _file(source: Source, described: Record, row: Record) -> tuple[str, list[Finding | str], list[str]]:
    """A file's name, its findings and the problems with rules there, and why it was not looked at."""
    name = path(required_text(row, "filePath"), source)
    lines = optional_text(row, "source").split("\n") if has(row, "source") else []
    messages = each(row, "messages", lambda one: one)
    unread = [reason for one in messages if (reason := _why_unread(one))]
    some = [_message(source, name, lines, described, one) for one in messages if not _why_unread(one)]
    hidden = optional_each(row, "suppressedMessages", lambda one: one)
    some += [_finding(source, name, lines, described, one) for one in hidden]
    return name, some, unread


def _why_unread(row: Record) -> str:
    words = " ".join(prose(text(row, "message")).split())
    if row.get("fatal") is True or (not has(row, "ruleId") and words.startswith(("Parsing error", "File ignored"))):
        return f"eslint: {words}"
    return ""


def _message(source: Source, name: str, lines: list[str], described: Record, row: Record) -> Finding | str:
    """A finding, or the sentence that a rule is not defined."""
    words = text(row, "message")
    if words.startswith("Definition for rule ") and words.rstrip(".").endswith("not found"):
        return f"eslint: {prose(words)}"
    return _finding(source, name, lines, described, row)


def _finding(source: Source, name: str, lines: list[str], described: Record, row: Record) -> Finding:
    rule = optional_text(row, "ruleId") or "unused-disable-directive"
    credential = rule in _CREDENTIALS
    message = prose(text(row, "message"), credential=credential)
    line, end_line, column, end_column = (optional_number(row, key) for key in _POSITIONS)
    place = location(name, source, line, end_line, column)
    if place.column and end_column and (end_column > place.column or place.end_line != place.line):
        place = replace(place, end_column=end_column)
    level = row.get("severity")
    severity, severity_source = _LEVELS.get(level, UNRATED) if isinstance(level, int) else UNRATED
    return Finding(
        Category.CODE,
        NAME,
        _rule(rule, *_described(optional_child(described, rule))),
        severity=severity,
        severity_source=severity_source,
        message=message,
        locations=(place,),
        code=code_at(place, source, _code(lines, place.line, place.end_line), credential=credential),
        suppression=_suppression(row),
    )


_POSITIONS = ("line", "endLine", "column", "endColumn")
_LEVELS = {2: (Severity.HIGH, SeveritySource.SCANNER), 1: (Severity.MEDIUM, SeveritySource.SCANNER)}
_CREDENTIALS = frozenset({"no-secrets/no-secrets", "sonarjs/no-hardcoded-passwords", "sonarjs/no-hardcoded-secrets"})


def _code(lines: list[str], first: int | None, last: int | None) -> str:
    return "\n".join(lines[first - 1 : last or first]) if first else ""


def _described(meta: Record) -> Iterator[str]:
    """What a rule is for and where it is described, where the report has its metadata."""
    docs = optional_child(meta, "docs")
    yield optional_text(docs, "description")
    yield optional_text(docs, "url")


@lru_cache(maxsize=1024)
def _rule(id_: str, description: str = "", url: str = "") -> Rule:
    links = url or (f"https://eslint.org/docs/latest/rules/{id_}" if "/" not in id_ else "")
    return Rule(clean(id_), prose(description) or spoken(clean(id_)), (), (clean(links),) if links else ())


def _suppression(row: Record) -> Suppression | None:
    some = optional_each(row, "suppressions", lambda one: one)
    if not some:
        return None
    reasons = filter(None, (prose(optional_text(one, "justification")) for one in some))
    return Suppression("eslint-disable", "; ".join(reasons))
