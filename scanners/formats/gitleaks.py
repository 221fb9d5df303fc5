"""gitleaks: secrets in files and in the history of git. Its JSON of versions 7 and 8, and the CSV of version 8.

It has no severities, so that this table decides:

| rule | severity |
|---|---|
| `generic-api-key`, and any other whose id begins with `generic` | medium |
| any other: what a provider issues, private keys | high |

A secret is known by itself. With `--redact` the report has a mask instead; such a secret is known by the fingerprint
that gitleaks gives it, or by rule, file, line and commit. The report does not say what was looked at, and not which
version wrote it. An empty list is what gitleaks writes where it finds nothing, but it may be anybody's: it is told as
partial.
"""

from collections.abc import Sequence
from functools import lru_cache, partial

from fixby.finding import Finding, Location, Rule
from fixby.scanners.formats.addresses import path
from fixby.scanners.formats.elements import whole_number
from fixby.scanners.formats.fields import NOTHING_SAID, each_of, first_record, loaded_list, optional_line, words_at
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.leaks import CREDENTIAL, leak
from fixby.scanners.formats.ratings import Rating
from fixby.scanners.formats.tables import column_names, table
from fixby.scanners.formats.wording import clean, prose
from fixby.scanners.report import Record, optional_text, required_text, text
from fixby.scanners.scanner import Reading, Source
from fixby.severity import Severity, SeveritySource

NAME = "gitleaks"


def recognises(report: Report) -> bool:
    """Whether its first row or first object has the fields of version 8, or those of version 7."""
    keys = first_record(report).keys() or column_names(report.content)
    return {"RuleID", "File", "StartLine"} <= keys or {"offender", "rule", "file", "commit"} <= keys


def read(report: Report, source: Source) -> Sequence[Told]:
    """The secrets. Raises `ReportError` where the report is damaged."""
    rows = _of_table(report) if "RuleID" in column_names(report.content) else loaded_list(report)
    findings = each_of(rows, partial(_finding, source))
    return [Told(NAME, Reading(tuple(findings), problems=() if rows else (NOTHING_SAID,)))]


def _of_table(report: Report) -> list[object]:
    """The rows of CSV as the objects of JSON."""
    _, rows = table(report.content)
    return [{**row, **{key: whole_number(row.get(key)) for key in _NUMBERS}, "Link": ""} for _, row in rows]


_NUMBERS = ("StartLine", "EndLine", "StartColumn", "EndColumn")


def _finding(source: Source, row: Record) -> Finding:
    return _version_8(source, row) if "RuleID" in row else _version_7(source, row)


def _version_8(source: Source, row: Record) -> Finding:
    rule, name = required_text(row, "RuleID"), path(optional_text(row, "File") or _STDIN, source)
    place = _place(name, *(optional_line(row, key) for key in _NUMBERS))
    commit, secret = optional_text(row, "Commit"), text(row, "Secret")
    where = optional_text(row, "Fingerprint") or f"{commit}:{name}:{rule}:{place.line}:{place.column}"
    title = optional_text(row, "Description") or rule
    return leak(
        NAME,
        _rule(rule, title, *words_at(row, "Link")),
        _rating(rule),
        _message(title, commit),
        (place,),
        secret=secret,
        instead=where,
        source=source,
    )


def _version_7(source: Source, row: Record) -> Finding:
    title, name = required_text(row, "rule"), path(required_text(row, "file"), source)
    line, commit, secret = optional_line(row, "lineNumber"), optional_text(row, "commit"), text(row, "offender")
    place = _place(name, line, line, None, None)
    where = f"{title}:{name}" if line is None else f"{title}:{name}:{line}"
    return leak(
        NAME,
        _rule(title, title),
        _rating(title),
        _message(title, commit),
        (place,),
        secret=secret,
        instead=where,
        source=source,
    )


_STDIN = "stdin"
"""Where secrets stand of which gitleaks names no file: it was given the text itself."""


def _place(name: str, line: int | None, end_line: int | None, column: int | None, end_column: int | None) -> Location:
    """A place; 0 is how gitleaks writes that it knows none. Its last column is that of the last character."""
    if not line or line < 1:
        return Location(name)
    after = end_column + 1 if column and end_column and (end_column >= column or (end_line or line) > line) else None
    return Location(name, line, max(end_line or line, line), column or None, after)


@lru_cache(maxsize=1024)
def _rule(id_: str, title: str, *links: str) -> Rule:
    return Rule(clean(id_), prose(title), CREDENTIAL, tuple(map(clean, links)))


def _rating(rule: str) -> Rating:
    return (Severity.MEDIUM if rule.lower().startswith("generic") else Severity.HIGH), SeveritySource.DEFAULT


def _message(title: str, commit: str) -> str:
    words = title.strip().rstrip(".")
    return f"{words}, in commit {commit}." if commit.strip("0") else f"{words}."
