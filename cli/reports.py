"""`fixby parse` and `fixby ingest`: reports that scanners wrote elsewhere."""

import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from enum import StrEnum
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from fixby.cli import alerts
from fixby.cli import place as here
from fixby.cli.output import emit, note, printable
from fixby.cli.ownership import owned
from fixby.cli.place import Place, writing
from fixby.cli.scan import Result, document, record_all, show_findings, show_scans
from fixby.errors import ExitCode, ReportError, UsageError
from fixby.identity import numbered
from fixby.reports import published
from fixby.reports.plain import safe
from fixby.scan import Coverage, Failed, Scan
from fixby.scanners.ingestion import scans_of_report
from fixby.scanners.scanning import told
from fixby.store.opening import secret_key


class Format(StrEnum):
    """How `parse` writes what reports say."""

    TERMINAL = "terminal"
    JSON = "json"
    SARIF = "sarif"


def parse(files: Sequence[Path], scanner: str | None, format_: Format) -> ExitCode:
    """Read reports and print what they say; exit 3 where one cannot be read.

    Secrets are told apart by fingerprints under a key made of the report itself: whoever can compute it has the report.
    """
    contents = [_content(file) for file in files]
    results = [
        result
        for file, report in zip(files, contents, strict=True)
        for result in _results(file, report, scanner, key=sha256(report).digest(), asset="")
    ]
    if format_ is Format.TERMINAL:
        show_scans(results)
        show_findings(results)
        return _exit_code(results)
    _note_failures(results)
    if format_ is Format.SARIF:
        emit(_sarif(results))
    else:
        emit(published.written(published.parsed([published.scan(result.scan, result.findings) for result in results])))
    return _exit_code(results)


def _sarif(results: Sequence[Result]) -> str:
    """Scans as SARIF, a run each; of two of one scanner the category says which report it was, by its number."""
    from fixby.reports.sarif import Run, log  # noqa: PLC0415 - only what is asked for
    from fixby.reports.sarif_results import Result as Written  # noqa: PLC0415

    seen: Counter[str] = Counter()
    runs = []
    for result in results:
        scan = result.scan
        seen[scan.scanner] += 1
        found = [Written(id_, finding) for id_, finding in result.findings.items()]
        number = str(seen[scan.scanner]) if seen[scan.scanner] > 1 else ""
        runs.append(Run(scan.scanner or "unknown", scan.tool_version, found, scan.reasons, number))
    return log(runs, version("fixby")).text


def ingest(  # noqa: PLR0913 - what, where and how
    files: Sequence[Path], scanner: str | None, place: Place, about: str = "", *, triage: bool = False, as_json: bool
) -> ExitCode:
    """Read reports and store what they say; exit 3 where one cannot be read, and that one changes nothing.

    They are about the asset `about`, or the configured one.
    Alerts of our own findings in code scanning are no findings; with `triage` what people decided of them is decided.
    """
    found = place.configuration(about)
    contents = [_content(file) for file in files]
    with writing(found) as database:
        key, asset = secret_key(database), found.asset.name
        read = [_results(*each, scanner, key=key, asset=asset) for each in zip(files, contents, strict=True)]
        known = [content for content, results in zip(contents, read, strict=True) if not any(map(_is_failed, results))]
        triaged = alerts.triage(database, known, asset, here.now())
        ours = alerts.without_ours([one for results in read for one in results], triaged, asset)
        results = record_all(database, found, found.asset if about else owned(found.asset, found.root), ours)
        if triage:
            alerts.decide(database, triaged, here.now())
        elif triaged.open:
            note(f"fixby: {len(triaged.open)} of our findings were dismissed on GitHub; --triage decides so here.")
    if as_json:
        _note_failures(results)
        emit(published.written(published.scanned([document(result) for result in results], None)))
    else:
        show_scans(results)
        show_findings(results)
    return _exit_code(results)


def _content(file: Path) -> bytes:
    try:
        with nullcontext(sys.stdin.buffer) if str(file) == "-" else file.open("rb") as stream:
            report = stream.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.", "Name a report's file.") from error
    if len(report) > _LARGEST:
        raise UsageError(f"{file} is larger than {_LARGEST >> 20} MiB.", "Have parts of the target scanned.")
    return report


_LARGEST = 1 << 30


def _results(file: Path, report: bytes, scanner: str | None, *, key: bytes, asset: str) -> list[Result]:
    """What a report says of each tool; one that is damaged is a failed scan that says so."""
    now = here.now()
    try:
        scans = scans_of_report(report, scanner, key, now, Path.cwd())
    except ReportError as error:
        reason = f"{printable(file)}: {told(error)}"
        scans = [Scan(scanner or "", "", Failed((reason,)), (), Coverage(whole=False), now, now)]
    return [Result(scan, numbered(asset, scan.findings)) for scan in scans]


def _note_failures(results: Sequence[Result]) -> None:
    for result in results:
        if isinstance(result.scan.outcome, Failed):
            note(f"fixby: {safe(result.scan.reasons[0])}")


def _is_failed(result: Result) -> bool:
    return isinstance(result.scan.outcome, Failed)


def _exit_code(results: Sequence[Result]) -> ExitCode:
    return ExitCode.CANNOT_TELL if any(map(_is_failed, results)) else ExitCode.DONE
