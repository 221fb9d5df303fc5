"""`fixby scan`: the scanners run, what they say is stored, and what follows from it is shown."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_bytes
from typing import TYPE_CHECKING

from fixby.asset import Asset
from fixby.cli import gate as gating
from fixby.cli import place as here
from fixby.cli.advisories import kept_folder
from fixby.cli.configuration import Configuration, existing
from fixby.cli.exploitation import rate_new
from fixby.cli.output import emit, show
from fixby.cli.ownership import owned_now
from fixby.cli.place import Place
from fixby.cli.progress import progress
from fixby.errors import ExitCode, UsageError
from fixby.finding import Finding
from fixby.identity import numbered
from fixby.policies.gate import Judgement
from fixby.query import Term
from fixby.reports import published
from fixby.scan import Complete, Coverage, Failed, Scan
from fixby.scanners.process import IMAGE_LIMITS, LIMITS, Limits
from fixby.scanners.registry import IMAGE_MODULES, MODULES, selected, selected_for_images
from fixby.scanners.scanner import NO_OPTIONS, Options, Target
from fixby.scanners.scanning import Setting, scan
from fixby.scanners.target import target
from fixby.sla.duration import HINT, duration
from fixby.store import coverage, queries
from fixby.store.database import Database
from fixby.store.ingestion import Recorded, record
from fixby.store.opening import secret_key
from fixby.store.terms import Occasion

if TYPE_CHECKING:
    from fixby.scanners.image import Image
    from fixby.scanners.scanner import Finished

SHOWN = 20
"""How many open findings are shown; `fixby list` has more."""

LONGEST_TABLE = 1000
"""After how many rows a table ends, unless somebody asks for more."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller asked for; `image` is empty where files are to be scanned, `asset` where it follows from them.

    `quiet` scans do not tell of their progress.
    """

    place: Place
    kinds: tuple[str, ...]
    scanners: tuple[str, ...]
    advisories: Path | None
    rules: tuple[Path, ...]
    resolve: bool
    licences: bool
    database_age: str | None
    timeout: str
    keep: bool
    gate: bool
    image: str = ""
    asset: str = ""
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """A scan, its findings by id, and what recording it changed; None where nothing was stored."""

    scan: Scan
    findings: Mapping[str, Finding]
    recorded: Recorded | None = None


def run(wish: Wish, *, as_json: bool) -> ExitCode:
    """Scan, store, show; the exit code says whether all was seen and, if asked, whether the gate passed."""
    wished, image = named(wish)
    if image and wish.keep and not (wish.asset or os.environ.get("FIXBY_ASSET")):
        _demand_own_name(image.name, wish.place)
    found = wish.place.configuration(wished)
    look = looking(wish, found, image=image)
    if not wish.keep:
        results = look(token_bytes(32))
        _show_unstored(results, as_json=as_json)
        return coverage_code(results)
    with here.writing(found) as database:
        asset = found.asset if image else owned_now(found.asset, found.root)
        results = record_all(database, found, asset, look(secret_key(database)))
        with here.only_valid(database, found):
            judgement, snapshot = gating.judged(database, found)
            if as_json:
                scans = [document(result) for result in results]
                emit(published.written(published.scanned(scans, published.gated(judgement, snapshot))))
            else:
                show_stored(database, found, results, judgement, wish.place)
    return (judgement.exit_code if wish.gate else ExitCode.DONE) or coverage_code(results)


def record_all(database: Database, found: Configuration, asset: Asset, results: Sequence[Result]) -> list[Result]:
    """Store scans of an asset, one after the other; what no scanner is known of is passed on as it is."""
    policy = here.policy(found)

    def recorded(scan: Scan) -> Recorded | None:
        return record(database, scan, Occasion(asset, "fixby", here.now(), policy)) if scan.scanner else None

    kept_apart = (_apart(database, asset.name, result) for result in results)
    stored = [Result(one.scan, one.findings, recorded(one.scan)) for one in kept_apart]
    rate_new(database, found)
    return stored


def _apart(database: Database, asset: str, result: Result) -> Result:
    """The result; a failed one where the scanner looked at files of the asset before and now at an image, or otherwise.

    To it the one would be the other with all that it knew gone.
    """
    scan, now = result.scan, result.scan.coverage
    if scan.scanner not in _OF_BOTH or isinstance(scan.outcome, Failed) or not (now.whole and now.scanned):
        return result
    before = coverage.last_whole(database, asset, scan.scanner)
    if not before or _are_files(before) is _are_files(now.scanned):
        return result
    was, would_be = ("files", "an image") if _are_files(before) else ("an image", "files")
    why = f"the asset {asset} is {was} to {scan.scanner}, and would be {would_be}. Give it another name: --asset"
    return Result(replace(scan, outcome=Failed((why,)), findings=(), coverage=Coverage(), outlines={}), {})


_OF_BOTH = MODULES.keys() & IMAGE_MODULES.keys()


def _are_files(units: Mapping[str, str]) -> bool:
    """Whether units are those of a scan of files, which come with digests of their contents; in an image none does."""
    return any(content and "#" not in unit for unit, content in units.items())


def named(wish: Wish) -> tuple[str, "Image | None"]:
    """The asset that the wish is about, if it says so, and the image, which bears its name. Raises as `image` does."""
    if not wish.image:
        return wish.asset, None
    from fixby.scanners.image import image  # noqa: PLC0415 - most scans are of files

    found = image(wish.image)
    bearing = replace(found, name=wish.asset or found.name)
    return bearing.name, bearing


def _demand_own_name(image: str, place: Place) -> None:
    """Raise `UsageError` where a gate on what lies here would be passed by scans of an image alone."""
    if image == place.configuration().asset.name:
        raise UsageError(f"The image and the folder here are both called {image!r}.", "Name the image: --asset NAME")


def looking(
    wish: Wish, found: Configuration, files: Target | None = None, *, image: "Image | None" = None
) -> Callable[[bytes], list[Result]]:
    """What runs the scanners, given the key for fingerprints. Whatever is wrong with the wish is told before.

    `files` or `image` is what is to be scanned, where it is not simply what lies at the wish's place.
    """
    if wish.gate and not wish.keep:
        raise UsageError("The gate judges what is stored.", "Leave out --no-store or --gate.")
    _check_policies(found)
    run = _of_image(wish, found, image) if image else _of_files(wish, found, files)
    setting = Setting(
        key=b"",
        clock=here.now,
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        exclude=found.exclude,
        options=_options(wish, found),
        limits=_limits(wish.timeout, IMAGE_LIMITS if image else LIMITS),
    )

    def look(key: bytes) -> list[Result]:
        with nullcontext(_unheard) if wish.quiet else progress() as on_event:
            scans = run(replace(setting, key=key, on_event=on_event))
        return [Result(one, numbered(found.asset.name, one.findings)) for one in scans]

    return look


def _unheard(_scanner: str, _finished: "Finished | None") -> None:
    """Tell nobody."""


def _of_files(wish: Wish, found: Configuration, files: Target | None) -> Callable[[Setting], list[Scan]]:
    scanners = selected(wish.scanners or found.scanners, wish.kinds)
    _demand_fit(wish.scanners, MODULES, "files")
    path = wish.place.path
    file = path.resolve().name if path.is_file() else ""
    scope = here.scope(path, found)
    return lambda setting: scan(
        files or target(path, found.exclude), scanners, replace(setting, scope=scope, file=file)
    )


def _of_image(wish: Wish, found: Configuration, image: "Image") -> Callable[[Setting], list[Scan]]:
    from fixby.scanners.image_scanning import scan_image  # noqa: PLC0415 - most scans are of files

    if wish.rules or wish.resolve:
        raise UsageError("--rules and --resolve are for files, not for an image.", "Leave them out.")
    scanners = selected_for_images(wish.scanners or found.scanners, wish.kinds)
    _demand_fit(wish.scanners, IMAGE_MODULES, "images")
    return lambda setting: scan_image(image, scanners, setting)


def _demand_fit(asked: Sequence[str], known: Collection[str], what: str) -> None:
    """Raise `UsageError` for a scanner that was asked for by name and would be passed over."""
    for name in asked:
        if name not in known:
            raise UsageError(f"--scanner: {name} does not look at {what}.", f"Those that do: {', '.join(known)}.")


def _check_policies(found: Configuration) -> None:
    here.policy(found)
    gating.policy(found)


def _options(wish: Wish, found: Configuration) -> Options:
    rules = (existing(rule, "--rules") for rule in wish.rules)
    advisories = existing(wish.advisories, "--advisories") if wish.advisories else found.advisories
    return Options(
        (*found.rules, *rules),
        advisories,
        wish.resolve,
        None if advisories else kept_folder(found),
        _database_age(wish, found),
        wish.licences,
    )


def _database_age(wish: Wish, found: Configuration) -> int:
    if wish.database_age is None:
        return NO_OPTIONS.database_age if found.database_age is None else found.database_age
    try:
        return duration(wish.database_age)
    except ValueError as error:
        raise UsageError(f"--database-age: {error}.", HINT) from error


def _limits(timeout: str, limits: Limits) -> Limits:
    try:
        return replace(limits, seconds=duration(timeout))
    except ValueError as error:
        raise UsageError(f"--timeout: {error}.", HINT) from error


def coverage_code(results: Sequence[Result]) -> ExitCode:
    """3 where a scan did not look at everything."""
    seen = all(isinstance(result.scan.outcome, Complete) for result in results)
    return ExitCode.DONE if seen else ExitCode.CANNOT_TELL


def document(result: Result) -> published.Document:
    """A result as it is published; the counts of what it changed are null where nothing was stored."""
    counts = _counts(result.recorded) if result.recorded else dict.fromkeys(_COUNTED)
    return published.scan(result.scan, result.findings) | counts


_COUNTED = ("new", "fixed", "reopened", "not_observed", "withdrawn")


def _counts(recorded: Recorded) -> dict[str, int]:
    return {kind: len(getattr(recorded, kind)) for kind in _COUNTED}


def show_scans(results: Sequence[Result]) -> None:
    """Show what each scanner did, why it could not do more, and what was changed in the store."""
    from fixby.reports import terminal  # noqa: PLC0415 - rich takes a tenth of a second

    scans = [result.scan for result in results]
    show(terminal.scans_table(scans), *terminal.reasons(scans))
    counts = [_counts(result.recorded) for result in results if result.recorded]
    if counts:
        show("", terminal.changes({kind: sum(count[kind] for count in counts) for kind in _COUNTED}))


def show_findings(results: Sequence[Result]) -> None:
    """Show what the scans found, the worst first and no more of it than people read."""
    from fixby.reports import terminal  # noqa: PLC0415 - rich takes a tenth of a second

    findings = {id_: finding for result in results for id_, finding in result.findings.items()}
    if findings:
        worst_first = sorted(findings.items(), key=lambda item: (-item[1].severity.rank, item[1].path, item[0]))
        show("", terminal.observations_table(dict(worst_first[:LONGEST_TABLE])))
        if len(findings) > LONGEST_TABLE:
            show("", f"{len(findings) - LONGEST_TABLE} more: --json tells all")


def _show_unstored(results: Sequence[Result], *, as_json: bool) -> None:
    if as_json:
        emit(published.written(published.scanned([document(result) for result in results], None)))
        return
    show_scans(results)
    show_findings(results)


def show_stored(
    database: Database, found: Configuration, results: Sequence[Result], judgement: Judgement, place: Place
) -> None:
    """Show what the scans did, what is open, the first due first, and the gate's verdict."""
    from fixby.reports import terminal  # noqa: PLC0415 - rich takes a tenth of a second

    now = here.now()
    ours = (Term("is", ("open",)), Term("asset", (found.asset.name,)))
    total = len(queries.matching(database, ours, now))
    first = queries.findings(database, ours, now, limit=SHOWN)
    show_scans(results)
    if total:
        show("", terminal.findings_table(first, now, found.root.resolve()))
        more = f"{total - SHOWN} more: {place.again('fixby list')}; " if total > SHOWN else ""
        show("", f"{more}one in full: {place.again('fixby show ID')}")
    emit("\n".join(("", *gating.lines(judgement))))
