"""Reports that scanners wrote elsewhere, read as scans."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from fixby.cycles import without_search_for_cycles
from fixby.errors import ReportError, UsageError
from fixby.identity import secret_fingerprint
from fixby.scan import Complete, Coverage, Partial, Scan
from fixby.scanners import registry
from fixby.scanners.formats.characters import storable
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.opening import in_utf8, split_log
from fixby.scanners.formats.registry import MODULES as FORMATS
from fixby.scanners.formats.registry import format_named, format_of
from fixby.scanners.outlines import outlines_below
from fixby.scanners.report import document
from fixby.scanners.scanner import Reader, Reading, Source
from fixby.scanners.scanning import told_together


def scans_of_report(report: bytes, tool: str | None, key: bytes, now: int, root: Path | None = None) -> list[Scan]:
    """The scans that a report tells of, one for each tool; its format is found from its content unless it is named.

    `tool` names a scanner or a format. `key` is for fingerprints of secrets. In the folder `root` the report's files
    are looked for, only to tell whether their lines are as they were. Raises `ReportError` where the report is damaged
    or of no known format, and `UsageError` for a tool that does not exist.
    """
    with without_search_for_cycles():
        content, errors = split_log(in_utf8(report))
        told = _told(Report(storable(content)), tool, key)
        return [_scan(_with(one, errors), now, root, renamed) for one, renamed in told]


def known() -> list[str]:
    """The names of all tools and formats whose reports can be read."""
    return [*dict.fromkeys((*registry.MODULES, *FORMATS))]


def _told(report: Report, tool: str | None, key: bytes) -> list[tuple[Told, Mapping[str, Collection[str]]]]:
    """What each tool says, with the rules of it that have new names."""
    if tool and tool in FORMATS:
        return [(one, {}) for one in format_named(tool).read(report, _source(key))]
    if reader := _native(report, tool):
        return [(Told(reader.NAME, reader.read(report.content, _source(key))), reader.RENAMED_RULES)]
    return [(one, {}) for one in _foreign(report, tool, key)]


def _with(one: Told, errors: tuple[str, ...]) -> Told:
    """What a tool says, and the errors that stand before it."""
    return replace(one, reading=replace(one.reading, problems=(*one.reading.problems, *errors))) if errors else one


def _native(report: Report, tool: str | None) -> Reader | None:
    """The scanner of ours that is named, or that wrote the report; None if there is none."""
    if tool:
        return registry.scanner(tool) if tool in registry.MODULES else None
    return next((one for name in registry.MODULES if (one := registry.scanner(name)).recognises(report.json)), None)


def _foreign(report: Report, tool: str | None, key: bytes) -> Sequence[Told]:
    if tool:
        raise UsageError(f"There is no scanner {tool!r}.", f"Known are: {', '.join(known())}.")
    if found := format_of(report):
        return found.read(report, _source(key))
    if report.json is None and report.root_element == "":
        document(report.content)
    raise ReportError("The report is of no format that Fixby knows.", f"Known are those of {', '.join(known())}.")


def _scan(one: Told, now: int, root: Path | None, renamed: Mapping[str, Collection[str]]) -> Scan:
    reading = one.reading
    reasons = (*reading.problems, *told_together(reading.skipped))
    return Scan(
        scanner=one.scanner,
        tool_version=reading.tool_version,
        outcome=Partial(reasons) if reasons else Complete(),
        findings=reading.findings,
        coverage=Coverage(reading.scanned or {}, reading.skipped, reading.silenced, whole=False, rules=reading.rules),
        started_at=now,
        finished_at=now,
        outlines=_outlines(root, reading) if root else {},
        renamed_rules=renamed,
    )


def _outlines(root: Path, reading: Reading) -> Mapping[str, bytes]:
    return outlines_below(root, {*(reading.scanned or ()), *(finding.path for finding in reading.findings)})


def _source(key: bytes) -> Source:
    """A report's own words are all there is: the files that it names may be anybody's, or not at hand."""
    return Source(
        fingerprint=lambda sha1: secret_fingerprint(key, sha1),
        path=lambda name: os.path.normpath(name).replace("\\", "/"),
        lines=lambda _path, _first, _last: "",
    )
