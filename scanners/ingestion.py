"""Reports that a scanner wrote elsewhere, read as scans."""

import os
from pathlib import Path

from fixby.errors import ReportError
from fixby.identity import secret_fingerprint
from fixby.scan import Complete, Coverage, Partial, Scan
from fixby.scanners import registry
from fixby.scanners.outlines import outlines_below
from fixby.scanners.report import document
from fixby.scanners.scanner import Reader, Source
from fixby.scanners.scanning import told_together


def scan_of_report(report: bytes, scanner: str | None, key: bytes, now: int, root: Path | None = None) -> Scan:
    """The scan that a report tells of; its format is found from its content unless the tool is named.

    `key` is for fingerprints of secrets. In the folder `root` the report's files are looked for, only to tell whether
    their lines are as they were. Raises `ReportError` where the report is damaged or of no known format, and
    `UsageError` for a tool that does not exist.
    """
    reader = registry.scanner(scanner) if scanner else _reader(report)
    reading = reader.read(report, _source(key))
    paths = {*(reading.scanned or ()), *(finding.path for finding in reading.findings)}
    reasons = (*reading.problems, *told_together(reading.skipped))
    return Scan(
        scanner=reader.NAME,
        tool_version=reading.tool_version,
        outcome=Partial(reasons) if reasons else Complete(),
        findings=reading.findings,
        coverage=Coverage(reading.scanned or {}, reading.skipped, reading.silenced, whole=False, rules=reading.rules),
        started_at=now,
        finished_at=now,
        outlines=outlines_below(root, paths) if root else {},
        renamed_rules=reader.RENAMED_RULES,
    )


def _reader(report: bytes) -> Reader:
    content = document(report)
    for name in registry.MODULES:
        reader = registry.scanner(name)
        if reader.recognises(content):
            return reader
    raise ReportError(
        "The report is of no format that Fixby knows.", f"Known are those of {', '.join(registry.MODULES)}."
    )


def _source(key: bytes) -> Source:
    """A report's own words are all there is: the files that it names may be anybody's, or not at hand."""
    return Source(
        fingerprint=lambda sha1: secret_fingerprint(key, sha1),
        path=lambda name: os.path.normpath(name).replace("\\", "/"),
        lines=lambda _path, _first, _last: "",
    )
