"""Our own JSON for findings of any tool, as `docs/reports.md` describes it.

A field that is not known, a severity that is not one of ours, a finding without a place: all are errors, with the
position. Severities are the report's words. What was looked at (`scanned`), what was not (`skipped`, `problems`), and
the rules that were in force it may say, and then findings close by it as by a scan.
"""

from collections.abc import Sequence
from functools import partial

from fixby.errors import ReportError
from fixby.finding import Finding
from fixby.scanners.formats.addresses import path
from fixby.scanners.formats.fields import loaded_record, optional_child
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.generic import FIELDS, HINT, LISTS, NUMBERS, TEXTS, Row, finding, scanner_name
from fixby.scanners.formats.wording import clean, prose
from fixby.scanners.report import Record, each, has, number, optional_text, text, texts
from fixby.scanners.scanner import Reading, Source

NAME = "generic-json"
_MARK = "fixby-findings"
_KEYS = frozenset(
    {"format", "version", "scanner", "scanner_version", "findings", "scanned", "skipped", "problems", "rules"}
)


def recognises(report: Report) -> bool:
    """Whether it is an object that says so itself."""
    return isinstance(report.json, dict) and report.json.get("format") == _MARK


def read(report: Report, source: Source) -> Sequence[Told]:
    """What the tool says. Raises `ReportError` where the report is damaged or has more than the format knows."""
    record = loaded_record(report)
    if text(record, "format") != _MARK or number(record, "version") != 1:
        raise ReportError(f'expected `"format": "{_MARK}"` and `"version": 1`', HINT)
    _known(record, _KEYS)
    scanner = scanner_name(text(record, "scanner"))
    findings = each(record, "findings", partial(_finding, scanner, source))
    skipped = optional_child(record, "skipped")
    reading = Reading(
        tuple(findings),
        clean(optional_text(record, "scanner_version")),
        {path(name, source): "" for name in texts(record, "scanned")} if has(record, "scanned") else None,
        {path(name, source): prose(text(skipped, name)) for name in skipped},
        tuple(map(prose, texts(record, "problems"))) if has(record, "problems") else (),
        rules=frozenset(map(clean, texts(record, "rules"))) if has(record, "rules") else None,
    )
    return [Told(scanner, reading)]


def _finding(scanner: str, source: Source, row: Record) -> Finding:
    _known(row, FIELDS)
    given = {key for key in row if has(row, key)}
    parts = Row(
        {key: text(row, key) for key in TEXTS if key in given},
        {key: number(row, key) for key in NUMBERS if key in given},
        {key: texts(row, key) for key in LISTS if key in given},
    )
    return finding(scanner, parts, source)


def _known(record: Record, keys: frozenset[str]) -> None:
    if unknown := sorted(record.keys() - keys):
        raise ReportError(f"expected no field `{prose(unknown[0])[:60]}`, which the format does not have", HINT)
