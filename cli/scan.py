"""`fixby scan`: the scanners run, what they say is stored, and what follows from it is shown."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes

from fixby.cli import gate as gating
from fixby.cli import place as here
from fixby.cli.configuration import Configuration
from fixby.cli.output import emit, show
from fixby.cli.place import Place
from fixby.cli.progress import progress
from fixby.errors import ExitCode, UsageError
from fixby.finding import Finding
from fixby.identity import identified
from fixby.policies.gate import Judgement
from fixby.query import Term
from fixby.reports import published
from fixby.scan import Complete, Scan
from fixby.scanners.process import Limits
from fixby.scanners.registry import selected
from fixby.scanners.scanner import Options
from fixby.scanners.scanning import Setting, scan
from fixby.scanners.target import target
from fixby.sla.duration import HINT, duration
from fixby.store import queries
from fixby.store.database import Database
from fixby.store.ingestion import Occasion, Recorded, record
from fixby.store.opening import secret_key

SHOWN = 20
"""How many open findings are shown; `fixby list` has them all."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller asked for."""

    place: Place
    kinds: tuple[str, ...]
    scanners: tuple[str, ...]
    advisories: Path | None
    rules: tuple[Path, ...]
    resolve: bool
    timeout: str
    keep: bool
    gate: bool


@dataclass(frozen=True, slots=True)
class Result:
    """A scan, its findings by id, and what recording it changed; None where nothing was stored."""

    scan: Scan
    findings: Mapping[str, Finding]
    recorded: Recorded | None = None


def run(wish: Wish, *, as_json: bool) -> ExitCode:
    """Scan, store, show; the exit code says whether all was seen and, if asked, whether the gate passed."""
    found = wish.place.configuration()
    if wish.gate and not wish.keep:
        raise UsageError("The gate judges what is stored.", "Leave out --no-store or --gate.")
    if not wish.keep:
        results = _results(wish, found, token_bytes(32))
        _show_unstored(results, as_json=as_json)
        return _exit_code(results)
    with here.writing(found) as database:
        results = record_all(database, found, _results(wish, found, secret_key(database)))
        judgement, snapshot = gating.judged(database, found)
        if as_json:
            scans = [document(result) for result in results]
            emit(published.written(published.scanned(scans, published.gated(judgement, snapshot))))
        else:
            _show_stored(database, found, results, judgement)
    return max(_exit_code(results), judgement.exit_code if wish.gate else ExitCode.DONE)


def record_all(database: Database, found: Configuration, results: Sequence[Result]) -> list[Result]:
    """Store scans, one after the other."""
    window = here.policy(found).regression_window
    recorded = (record(database, result.scan, Occasion(found.asset, "fixby", here.now(), window)) for result in results)
    return [Result(before.scan, before.findings, after) for before, after in zip(results, recorded, strict=True)]


def _results(wish: Wish, found: Configuration, key: bytes) -> list[Result]:
    scanners = selected(wish.scanners or found.scanners, wish.kinds)
    with progress() as on_event:
        setting = Setting(
            key=key,
            clock=here.now,
            cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
            scope=here.scope(wish.place.path, found),
            options=_options(wish, found),
            limits=_limits(wish.timeout),
            on_event=on_event,
        )
        scans = scan(target(wish.place.path, found.exclude), scanners, setting)
    return [Result(one, identified(found.asset, one.findings)) for one in scans]


def _options(wish: Wish, found: Configuration) -> Options:
    return Options((*found.rules, *wish.rules), wish.advisories or found.advisories, wish.resolve)


def _limits(timeout: str) -> Limits:
    try:
        return Limits(seconds=duration(timeout))
    except ValueError as error:
        raise UsageError(f"--timeout: {error}.", HINT) from error


def _exit_code(results: Sequence[Result]) -> ExitCode:
    seen = all(isinstance(result.scan.outcome, Complete) for result in results)
    return ExitCode.DONE if seen else ExitCode.CANNOT_TELL


def document(result: Result) -> published.Document:
    """A result as it is published."""
    return published.scan(result.scan, result.findings) | (_counts(result.recorded) if result.recorded else {})


def _counts(recorded: Recorded) -> published.Document:
    return {
        "new": len(recorded.new),
        "fixed": len(recorded.fixed),
        "reopened": len(recorded.reopened),
        "not_observed": len(recorded.not_observed),
    }


def _show_unstored(results: Sequence[Result], *, as_json: bool) -> None:
    if as_json:
        emit(published.written(published.scanned([document(result) for result in results], None)))
        return
    from fixby.reports import terminal  # noqa: PLC0415 - rich takes a tenth of a second

    findings = {id_: finding for result in results for id_, finding in result.findings.items()}
    show(
        terminal.scans_table([result.scan for result in results]), *terminal.reasons(result.scan for result in results)
    )
    show("", terminal.observations_table(findings))


def _show_stored(database: Database, found: Configuration, results: Sequence[Result], judgement: Judgement) -> None:
    from fixby.reports import terminal  # noqa: PLC0415 - rich takes a tenth of a second

    now, clock = here.now(), here.policy(found).terms
    ours = (Term("is", ("open",)), Term("asset", (found.asset,)))
    total = len(queries.matching(database, ours, clock, now))
    show(
        terminal.scans_table([result.scan for result in results]), *terminal.reasons(result.scan for result in results)
    )
    counts = [_counts(result.recorded) for result in results if result.recorded]
    show("", terminal.changes(**{key: sum(count[key] for count in counts) for key in counts[0]}), "")
    if total:
        show(terminal.findings_table(queries.findings(database, ours, clock, now, limit=SHOWN), now))
    if total > SHOWN:
        show(f"... and {total - SHOWN} more: fixby list")
    show("", *gating.lines(judgement))
