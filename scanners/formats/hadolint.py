"""hadolint: Dockerfiles, and the shell in them by ShellCheck. Its JSON, and its formats for others (`hadolint_shapes`).

| hadolint says | severity |
|---|---|
| error | high |
| warning | medium |
| info | low |
| style, ignore | info |

A file that it cannot parse (`DL1000`) makes the scan partial. The report names only files of which it tells
something, and has no version. What a comment ignores is not in it. An empty list is what hadolint writes where it
finds nothing, but it may be anybody's: it is told as partial.
"""

from collections.abc import Sequence
from functools import lru_cache

from fixby.finding import Category, Finding, Rule
from fixby.scanners.formats.addresses import line_at, location
from fixby.scanners.formats.fields import NOTHING_SAID, each_of, first_record, loaded, loaded_list
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.hadolint_shapes import is_shaped, issues, unshaped
from fixby.scanners.formats.ratings import UNRATED, Rating
from fixby.scanners.formats.wording import clean, prose
from fixby.scanners.report import Record, required_text, text
from fixby.scanners.scanner import Reading, Source
from fixby.severity import Severity, SeveritySource

NAME = "hadolint"


def recognises(report: Report) -> bool:
    """Whether it is a list of objects with the fields of hadolint's findings, or has these in another shape."""
    if is_shaped(report.json):
        return True
    first = first_record(report) if isinstance(report.json, list) else {}
    return first.keys() >= _FIELDS and isinstance(first["code"], str)


def read(report: Report, source: Source) -> Sequence[Told]:
    """The findings. Raises `ReportError` where the report is damaged."""
    rows = _rows(report)
    some = each_of(rows, lambda row: _finding(source, row))
    unread = {one.path: one.message for one in some if one.rule.id == _NOT_PARSED}
    found = tuple(one for one in some if one.rule.id != _NOT_PARSED)
    scanned = {one.path: "" for one in found if one.path not in unread}
    return [Told(NAME, Reading(found, "", scanned or None, unread, () if rows else (NOTHING_SAID,)))]


def _rows(report: Report) -> list[object]:
    found = loaded(report)
    if not is_shaped(found):
        return loaded_list(report)
    return list(unshaped(issues(found) if isinstance(found, dict) else each_of(loaded_list(report), lambda row: row)))


_FIELDS = {"line", "code", "message", "column", "file", "level"}
_NOT_PARSED = "DL1000"


def _finding(source: Source, row: Record) -> Finding:
    message = prose(text(row, "message"))
    severity, severity_source = _LEVELS.get(text(row, "level").lower(), UNRATED)
    return Finding(
        Category.MISCONFIGURATION,
        NAME,
        _rule(required_text(row, "code"), message),
        severity=severity,
        severity_source=severity_source,
        message=message,
        locations=(location(required_text(row, "file"), source, line_at(row, "line"), None, line_at(row, "column")),),
    )


_LEVELS: dict[str, Rating] = {
    "error": (Severity.HIGH, SeveritySource.SCANNER),
    "warning": (Severity.MEDIUM, SeveritySource.SCANNER),
    "info": (Severity.LOW, SeveritySource.SCANNER),
    "style": (Severity.INFO, SeveritySource.SCANNER),
    "ignore": (Severity.INFO, SeveritySource.SCANNER),
}


@lru_cache(maxsize=1024)
def _rule(code: str, message: str) -> Rule:
    """A rule by its code; its title is the first sentence of what it says."""
    page = "https://www.shellcheck.net/wiki/" if code.startswith("SC") else "https://github.com/hadolint/hadolint/wiki/"
    return Rule(clean(code), message.partition(". ")[0].rstrip(".") or clean(code), (), (f"{page}{clean(code)}",))
