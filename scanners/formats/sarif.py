"""SARIF 2.1.0, the standard for the results of static analysis (OASIS), as any tool writes it.

The runs of a file are told by tool; several runs of one tool (CodeQL has one a language) are one scan. Results are
findings but for those of kind `pass` and `notApplicable`, and those with `baselineState: absent`, which are gone. A
result with several locations is one finding with all of them.

Severities: see `sarif_rules`; categories: see `sarif_categories`; paths: see `sarif_places`.

The scan is partial where a tool says that it did not succeed, where it reports an error, or a warning that speaks of
something that could not be read, and where the results are null or in another file. Artifacts of the role
`analysisTarget` count as scanned; where there are none, nobody knows what was. That the rules which a run lists are
all that were in force, the standard does not promise. Fingerprints that tools give to results are not kept: what
makes two findings the same is ours to say, and alike for all tools.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from fixby.errors import ReportError
from fixby.scanners.formats.fields import (
    grouped,
    loaded_record,
    optional_child,
    optional_each,
    optional_items,
    optional_number,
    words_at,
)
from fixby.scanners.formats.format import Report, Told
from fixby.scanners.formats.sarif_messages import spoken_message
from fixby.scanners.formats.sarif_places import Places, places_of
from fixby.scanners.formats.sarif_results import Results
from fixby.scanners.formats.sarif_rules import rules_of
from fixby.scanners.formats.wording import clean, prose
from fixby.scanners.report import HINT, Record, child, each, has, optional_text, text
from fixby.scanners.scanner import Reading, Source

NAME = "sarif"


def recognises(report: Report) -> bool:
    """Whether it is an object with runs, and with SARIF's version or schema."""
    found = report.json
    if not isinstance(found, dict) or "runs" not in found:
        return False
    return "version" in found or "sarif" in str(found.get("$schema", "")).lower()


def read(report: Report, source: Source) -> Sequence[Told]:
    """What each tool says. Raises `ReportError` where the report is damaged, or of another version."""
    record = loaded_record(report)
    version = optional_text(record, "version") or next(iter(_IN_SCHEMA.findall(optional_text(record, "$schema"))), "")
    if not version.startswith("2.1"):
        raise ReportError(f"expected SARIF 2.1.0, found version {clean(version)[:20]}", HINT)
    told = each(record, "runs", lambda run: _run(run, source))
    if not told:
        raise ReportError("the report has no run: no tool says anything", HINT)
    by_tool = grouped((one.scanner, one.reading) for one in told)
    return [Told(name, some[0] if len(some) == 1 else _together(some)) for name, some in by_tool.items()]


_IN_SCHEMA = re.compile(r"sarif-(?:schema-)?(2\.\d\.\d)")


def _together(some: list[Reading]) -> Reading:
    """Several runs of one tool as one: it looked at what any of them looked at, if all say what that is."""
    scanned = [one.scanned for one in some if one.scanned is not None]
    skipped = {unit: reason for one in some for unit, reason in one.skipped.items()}
    versions = {one.tool_version for one in some}
    return Reading(
        tuple(chain.from_iterable(one.findings for one in some)),
        versions.pop() if len(versions) == 1 else "",
        {unit: "" for units in scanned for unit in units if unit not in skipped} if len(scanned) == len(some) else None,
        skipped,
        tuple(dict.fromkeys(problem for one in some for problem in one.problems)),
    )


def _run(run: Record, source: Source) -> Told:
    driver = child(child(run, "tool"), "driver")
    tool = tool_name(text(driver, "name"))
    places = places_of(run, source)
    reader = Results(tool, rules_of(tool, run), places, source)
    findings = optional_each(run, "results", reader.finding)
    failures = list(_failures(run, places, _descriptors(child(run, "tool"))))
    skipped = {path: reason for path, reason in reversed(failures) if path}
    versions = (optional_text(driver, key) for key in ("version", "semanticVersion", "dottedQuadFileVersion"))
    reading = Reading(
        tuple(one for one in findings if one is not None),
        clean(next(filter(None, versions), "")),
        _scanned(run, places, skipped),
        skipped,
        tuple(dict.fromkeys(reason for path, reason in failures if not path)),
    )
    return Told(tool, reading)


def tool_name(words: str) -> str:
    """The name of a tool as findings bear it: `Semgrep OSS` is `semgrep`. Raises `ReportError` where there is none."""
    name = re.sub(r"[^a-z0-9.+@/_]+", "-", clean(words)[:100].lower()).strip("-")
    if not name:
        raise ReportError("expected the name of a tool at `tool.driver.name`, found none", HINT)
    return _EDITIONS.get(name, name)


_EDITIONS = {"semgrep-oss": "semgrep", "semgrep-pro": "semgrep", "semgrep-code": "semgrep"}


def _scanned(run: Record, places: Places, skipped: Mapping[str, str]) -> dict[str, str] | None:
    """The files that the tool says it analysed, or None where it says so of none."""
    paths = list(_analysed(run, places))
    return {path: "" for path in paths if path and path not in skipped} if paths else None


def _analysed(run: Record, places: Places) -> Iterator[str]:
    """The artifacts that a tool was to analyse, and those that CodeQL says it extracted."""
    for artifact in optional_each(run, "artifacts", lambda row: row):
        if "analysisTarget" in words_at(artifact, "roles") and has(artifact, "location"):
            yield places.path(child(artifact, "location"))
    for invocation in optional_each(run, "invocations", lambda row: row):
        for one in optional_each(invocation, "toolExecutionNotifications", lambda row: row):
            if optional_text(optional_child(one, "descriptor"), "id").endswith("/successfully-extracted-files"):
                rows = optional_each(one, "locations", lambda row: row)
                yield from (at.path for row in rows if (at := places.at(row)))


_Descriptors = Mapping[str | int, Record]
"""What a tool can notify of, by id, and of the driver by index."""


def _descriptors(tool: Record) -> dict[str | int, Record]:
    components = (child(tool, "driver"), *optional_each(tool, "extensions", lambda row: row))
    rows = [optional_each(one, "notifications", lambda row: row) for one in components]
    return {**{optional_text(row, "id"): row for some in rows for row in some}, **dict(enumerate(rows[0]))}


def _failures(run: Record, places: Places, descriptors: _Descriptors) -> Iterator[tuple[str, str]]:
    """What was not looked at (a file, or nothing for the whole run) and why."""
    if not has(run, "results"):
        yield "", "the run has no results: the tool did not get as far"
    if optional_child(run, "externalPropertyFileReferences").get("results"):
        yield "", "results of the run are in other files"
    for invocation in optional_each(run, "invocations", lambda row: row):
        for kind in ("toolExecutionNotifications", "toolConfigurationNotifications"):
            for one in optional_each(invocation, kind, lambda row: row):
                yield from _failure(one, places, descriptors)
        if invocation.get("executionSuccessful") is False:
            yield "", f"the tool says that it did not succeed{_ending(invocation)}"
    yield from _coverage(optional_child(run, "properties"))


def _failure(notification: Record, places: Places, descriptors: _Descriptors) -> Iterator[tuple[str, str]]:
    """An error, or a warning of something that could not be read, once for each file that it names."""
    reference = optional_child(notification, "descriptor")
    index = optional_number(reference, "index")
    known = descriptors.get(optional_text(reference, "id")) or descriptors.get(-1 if index is None else index) or {}
    id_ = optional_text(reference, "id") or optional_text(known, "id")
    exception = optional_child(notification, "exception").get("message")
    words = prose(spoken_message(optional_child(notification, "message"), known) or _text_or_words(exception))
    configured = optional_text(optional_child(known, "defaultConfiguration"), "level")
    level = optional_text(notification, "level") or configured or "warning"
    if level != "error" and not (level == "warning" and _UNREAD.search(f"{id_} {words}")):
        return
    reason = (
        f"{clean(id_)}: {_line(words)}" if id_ and words else _line(words) or clean(id_) or "an error without words"
    )
    rows = optional_each(notification, "locations", lambda row: row)
    paths = [at.path for row in rows if (at := places.at(row))]
    yield from ((path, reason) for path in paths) if paths else [("", reason)]


_UNREAD = re.compile(
    r"syntax.?error|pars(?:e|ing).?(?:error|fail)|(?:could|can|did) ?no?t (?:be )?(?:pars|read|analy[sz]|scan|extract)|"
    r"time[- ]?d? ?out|out of memory|fixpoint|extraction-(?:error|warning)|skipp(?:ed|ing)|unsupported|incomplete|"
    r"missing.?class",
    re.IGNORECASE,
)
_LENGTH = 500


def _text(message: Record) -> str:
    return optional_text(message, "text") or optional_text(message, "markdown")


def _text_or_words(exception: object) -> str:
    """What an exception says: a string, in drafts of the standard a message."""
    if isinstance(exception, dict):
        return _text(exception)
    return exception if isinstance(exception, str) else ""


def _line(words: str) -> str:
    """Words on one line, cut where they are longer than a reason should be."""
    line = " ".join(words.split())
    return line if len(line) <= _LENGTH else f"{line[:_LENGTH]} [...]"


def _ending(invocation: Record) -> str:
    code = optional_number(invocation, "exitCode")
    names = (
        optional_text(invocation, key)
        for key in ("exitCodeDescription", "exitSignalName", "processStartFailureMessage")
    )
    said = ", ".join(filter(None, (f"exit code {code}" if code is not None else "", *map(_line, map(prose, names)))))
    return f" ({said})" if said else ""


def _coverage(properties: Record) -> Iterator[tuple[str, str]]:
    """What Snyk says of files that it could not parse."""
    for one in optional_items(properties, "coverage") if isinstance(properties.get("coverage"), list) else []:
        if isinstance(one, dict) and str(one.get("type", "")).startswith("FAILED"):
            count, language, kind = (clean(str(one.get(key, ""))) for key in ("files", "lang", "type"))
            yield "", f"{count} files of {language}: {kind.lower().replace('_', ' ')}"
