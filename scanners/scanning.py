"""One scan of a target by several scanners at once: planned, run, concluded, and nothing that went unread forgotten."""

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from fixby.errors import FixbyError, ReportError, UsageError
from fixby.identity import secret_fingerprint
from fixby.scan import Complete, Coverage, Failed, Outcome, Partial, Scan
from fixby.scanners.files import open_regular
from fixby.scanners.outlines import Outlines
from fixby.scanners.process import LIMITS, Limits
from fixby.scanners.scanner import (
    NO_OPTIONS,
    Command,
    Finished,
    Kind,
    Options,
    Reading,
    Request,
    Scanner,
    Source,
    Target,
)
from fixby.scanners.schedule import run_all


@dataclass(frozen=True, slots=True)
class Setting:
    """How to scan: the cores and limits to use, the key for fingerprints of secrets, and who is told of progress.

    `scope` is the target's path from the root of the asset (`.` for the root itself): all paths of findings are told
    from that root. `file` is the one file of the target that is looked at, or empty for all of them. `clock()` gives
    the UTC second. `on_event(scanner, finished)` is called from several threads when a process starts (`finished` is
    None) and when it ends. `exclude` are globs of what in an image need not be understood.
    """

    key: bytes
    clock: Callable[[], int]
    cores: int
    scope: str = "."
    file: str = ""
    exclude: Sequence[str] = ()
    options: Options = NO_OPTIONS
    limits: Limits = LIMITS
    on_event: Callable[[str, Finished | None], None] = lambda _scanner, _finished: None


def scan(target: Target, scanners: Sequence[Scanner], setting: Setting) -> list[Scan]:
    """What each of the scanners says of the target, in their order. Raises `Interrupted`."""
    plans: dict[str, _Plan] = {}
    ended: defaultdict[str, list[Finished]] = defaultdict(list)
    scans: dict[str, Scan] = {}
    started_at = setting.clock()

    def conclude(plan: _Plan) -> None:
        if plan.scanner.NAME not in scans and len(ended[plan.scanner.NAME]) == len(plan.commands):
            in_order = sorted(ended[plan.scanner.NAME], key=lambda finished: plan.commands.index(finished.command))
            scans[plan.scanner.NAME] = _concluded(plan, in_order, target, setting, started_at)

    with ExitStack() as stack:
        work = _work(scanners, plans, lambda scanner: stack.enter_context(_planned(scanner, target, setting)))
        for name, finished in run_all(work, setting.cores, setting.limits, setting.on_event):
            ended[name].append(finished)
            conclude(plans[name])
        for plan in plans.values():
            conclude(plan)
    return [scans[scanner.NAME] for scanner in scanners]


def _work(
    scanners: Sequence[Scanner], plans: dict[str, "_Plan"], planned: Callable[[Scanner], "_Plan"]
) -> Iterator[tuple[str, Command]]:
    """What is to be run, the dearest first; the others run already while dependencies and advisories are read."""
    quick = [scanner for scanner in scanners if scanner.KIND is not Kind.SCA]
    for some in (quick, [scanner for scanner in scanners if scanner.KIND is Kind.SCA]):
        new = {scanner.NAME: planned(scanner) for scanner in some}
        plans |= new
        commands = [(name, command) for name, plan in new.items() for command in plan.commands]
        yield from sorted(commands, key=lambda one: -one[1].cost)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one scanner is about to do; `obstacle` says why it cannot do anything."""

    scanner: Scanner
    files: tuple[str, ...]
    version: str = ""
    configuration: str = ""
    rules: frozenset[str] | None = None
    commands: Sequence[Command] = ()
    obstacle: str = ""


@contextmanager
def _planned(scanner: Scanner, target: Target, setting: Setting) -> Iterator[_Plan]:
    files = tuple(path for path in target.files if scanner.wants(path))
    with ExitStack() as stack:
        try:
            version, configuration = scanner.version(), scanner.configuration(setting.options)
            rules = scanner.rules(setting.options)
            workspace = Path(stack.enter_context(TemporaryDirectory(prefix=f"fixby-{scanner.NAME}-")))
            request = Request(target, files, workspace, setting.options, setting.cores, setting.clock())
            commands = stack.enter_context(scanner.commands(request)) if files else ()
        except UsageError as error:
            yield _Plan(scanner, files, obstacle=told(error))
            return
        yield _Plan(scanner, files, version, configuration, rules, commands)


def _concluded(plan: _Plan, finished: Sequence[Finished], target: Target, setting: Setting, started_at: int) -> Scan:
    source = _source(target, setting)
    readings: list[Reading] = []
    lost: dict[str, str] = {}
    problems: list[str] = [plan.obstacle] if plan.obstacle else []
    for one in finished:
        try:
            readings.append(_reading(plan.scanner, one, source))
        except ReportError as error:
            problems.append(error.message)
            lost |= dict.fromkeys(one.command.files, error.message)
    problems += [problem for reading in readings for problem in reading.problems]
    coverage = _coverage(plan, readings, lost, target, setting)
    nothing_done = bool(plan.obstacle) or (bool(finished) and not readings)
    return Scan(
        scanner=plan.scanner.NAME,
        tool_version=plan.version,
        outcome=outcome(problems, coverage.skipped, failed=nothing_done or not target.files),
        findings=tuple(finding for reading in readings for finding in reading.findings),
        coverage=coverage,
        started_at=started_at,
        finished_at=setting.clock(),
        target=_Namer(setting.scope)(setting.file) if setting.file else setting.scope,
        configuration=plan.configuration,
        outlines=Outlines(coverage.scanned, lambda path: source.lines(path, 1, sys.maxsize)),
        renamed_rules=plan.scanner.RENAMED_RULES,
        withdrawn={
            _Namer(setting.scope)(unit): names for reading in readings for unit, names in reading.withdrawn.items()
        },
    )


def _reading(scanner: Scanner, finished: Finished, source: Source) -> Reading:
    if finished.failure:
        raise ReportError(finished.failure)
    return scanner.conclude(finished, source)


def _coverage(
    plan: _Plan, readings: Sequence[Reading], lost: Mapping[str, str], target: Target, setting: Setting
) -> Coverage:
    """What was looked at, told from the root of the asset: every file that was planned is either scanned or skipped."""
    named = _Namer(setting.scope)
    unread = target.unreadable.items()
    skipped = {path: reason for path, reason in unread if path.endswith("/") or plan.scanner.wants(path)}
    skipped |= lost
    if plan.obstacle:
        skipped |= dict.fromkeys(plan.files, plan.obstacle)
    for reading in readings:
        skipped |= reading.skipped
    said = [reading.scanned for reading in readings if reading.scanned is not None]
    silent = any(reading.scanned is None for reading in readings)
    scanned = dict.fromkeys(plan.files, "") if silent else {}
    for units in said:
        scanned |= units
    skipped |= {
        path: f"{plan.scanner.NAME} does not say that it read the file"
        for path in plan.files
        if path not in scanned and path not in skipped
    }
    return Coverage(
        scanned={
            named(unit): version or (target.files[unit].digest[:16] if unit in target.files else "")
            for unit, version in scanned.items()
            if unit not in skipped
        },
        skipped={named(unit): reason for unit, reason in skipped.items()},
        excluded={named(path): reason for path, reason in target.excluded.items()},
        rules=plan.rules,
    )


def outcome(problems: Sequence[str], skipped: Mapping[str, str], *, failed: bool) -> Outcome:
    """How a scan came out, by sentences about all of it and the reasons for each unit that was not looked at."""
    of_places = set(skipped.values())
    reasons = (*dict.fromkeys(one for one in problems if one not in of_places), *told_together(skipped))
    if failed:
        return Failed(reasons or ("There is nothing to scan.",))
    return Partial(reasons) if reasons else Complete()


def told(error: FixbyError) -> str:
    """An error and its hint as one text."""
    return f"{error.message.rstrip('.')}. {error.hint}".strip()


def told_together(skipped: Mapping[str, str]) -> Iterator[str]:
    """One sentence for each reason, with the first place that has it and the number of the others."""
    counts = Counter(skipped.values())
    first = {reason: unit for unit, reason in reversed(list(skipped.items()))}
    for reason, unit in sorted(first.items(), key=lambda item: item[1]):
        others = f" and {counts[reason] - 1} more" if counts[reason] > 1 else ""
        yield f"not scanned: {unit}{others}: {reason}"


@dataclass(frozen=True, slots=True)
class _Namer:
    """Names of files as they are published: from the root of the asset, bytes that are no UTF-8 written out."""

    scope: str

    def __call__(self, path: str) -> str:
        printable = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").replace("\0", "\\0")
        return printable if self.scope == "." else f"{self.scope}/{printable}"


def _source(target: Target, setting: Setting) -> Source:
    """How the adapters reach the target's code, and nothing else: a report may name any file of the machine."""
    root, named = str(target.root), _Namer(setting.scope)
    files = {named(path): path for path in target.files}

    @lru_cache(maxsize=4)
    def content(path: str) -> list[str]:
        return _lines_of(target.root / files[path]) if path in files else []

    return Source(
        fingerprint=lambda sha1: secret_fingerprint(setting.key, sha1),
        path=lambda name: named(os.path.relpath(name, root) if name.startswith("/") else os.path.normpath(name)),
        lines=lambda path, first, last: "\n".join(content(path)[first - 1 : last]),
    )


def _lines_of(path: Path) -> list[str]:
    try:
        with open_regular(path) as file:
            return file.readall().decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    except OSError:
        return []
