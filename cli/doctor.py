"""`fixby doctor`: what is installed, what would run here, and what would not and why."""

import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from fixby.cli.advisories import kept_folder
from fixby.cli.configuration import Configuration
from fixby.cli.output import emit, printable, show
from fixby.cli.place import Place
from fixby.errors import ExitCode, FixbyError, UsageError
from fixby.reports import published
from fixby.reports.plain import safe
from fixby.scanners import advisories, installed, osv_export
from fixby.scanners.ecosystems import ECOSYSTEMS
from fixby.scanners.image import ImageScanner
from fixby.scanners.process import capture
from fixby.scanners.registry import IMAGE_MODULES, ON_REQUEST, scanner, selected, selected_for_images
from fixby.scanners.scanner import Options, Scanner, Target
from fixby.scanners.scanning import told
from fixby.scanners.target import target
from fixby.store import schema
from fixby.store.opening import open_for_reading


@dataclass(frozen=True, slots=True)
class Part:
    """Something that Fixby needs: what it is, its version or state, how much of it there is here, what is wrong."""

    name: str
    state: str
    here: str = ""
    problem: str = ""


def run(place: Place, *, as_json: bool) -> ExitCode:
    """Say what is there; exit 3 where something that would be needed is not."""
    found = place.configuration()
    parts = [
        Part("fixby", version("fixby"), f"Python {platform.python_version()}, {platform.system()}"),
        _git(),
        *_scanners(found, target(place.path, found.exclude)),
        *map(_scanner_of_images, selected_for_images(tuple(one for one in IMAGE_MODULES if one not in ON_REQUEST), ())),
        _store(found),
        _advisories(found),
        *_kept_advisories(found),
    ]
    if as_json:
        emit(published.written(_document(parts)))
    else:
        _show(parts)
    return ExitCode.CANNOT_TELL if any(part.problem for part in parts) else ExitCode.DONE


def _git() -> Part:
    asked = capture(("git", "--version"))
    if asked.failure:
        return Part("git", "missing", problem="What git ignores cannot be told from the rest. Install git.")
    return Part("git", asked.report.decode("utf-8", "replace").strip().removeprefix("git version "))


def _scanners(found: Configuration, all_files: Target) -> list[Part]:
    options = Options(rules=found.rules, advisories=found.advisories, kept_advisories=kept_folder(found))
    chosen = selected(found.scanners, ())
    others = [scanner(name) for name in sorted(ON_REQUEST) if name not in {one.NAME for one in chosen}]
    return [*(_scanner(one, all_files, options) for one in chosen), *map(_on_request, others)]


def _on_request(one: Scanner) -> Part:
    """A tool that runs only where it is asked for: that it is not there is nothing wrong."""
    if installed.found(one.NAME) is None:
        return Part(one.NAME, "not installed", _WHEN_ASKED)
    try:
        return Part(one.NAME, one.version(), _WHEN_ASKED)
    except FixbyError as error:
        return Part(one.NAME, "cannot run", _WHEN_ASKED, told(error))


_WHEN_ASKED = "runs when asked for"


def _scanner(one: Scanner, all_files: Target, options: Options) -> Part:
    number = sum(one.wants(path) for path in all_files.files)
    files = f"{number} file{'s' if number > 1 else ''} to read" if number else "nothing to read here"
    try:
        one.configuration(options)
        return Part(one.NAME, one.version(), files)
    except FixbyError as error:
        return Part(one.NAME, "cannot run", files, told(error))


def _scanner_of_images(one: ImageScanner) -> Part:
    """What `scan --image` would run; that there is none is no problem of those who scan no images."""
    try:
        return Part(one.NAME, one.version(), one.origin())
    except UsageError as error:
        return Part(one.NAME, "not installed", f"only fixby scan --image needs it: {error.hint}")


def _store(found: Configuration) -> Part:
    if "://" not in found.store and not Path(found.store).exists():
        return Part("store", "none yet", printable(found.store))
    try:
        database = open_for_reading(found.store)
    except FixbyError as error:
        return Part("store", "cannot be used", problem=told(error))
    try:
        [(events,)] = database.run("SELECT count(*) FROM event")
        return Part("store", f"version {schema.VERSION}", f"{printable(database.place)}, {events!s} events")
    finally:
        database.close()


def _advisories(found: Configuration) -> Part:
    if not found.advisories:
        return Part("advisories", "online", "asked of pip-audit's public service; not tried now")
    try:
        known = advisories.load(found.advisories)
    except FixbyError as error:
        return Part("advisories", "cannot be used", printable(found.advisories), told(error))
    until = advisories.published_until(known)
    state = f"up to {until:%Y-%m-%d}" if until else "of unknown date"
    return Part("advisories", state, printable(found.advisories), "; ".join(known.problems))


def _kept_advisories(found: Configuration) -> Iterator[Part]:
    """What the last update left of each ecosystem: of when it is, and when the publisher was asked."""
    kept = kept_folder(found)
    for concerned in ECOSYSTEMS if kept else ():
        name = f"advisories for {concerned.name}"
        try:
            held = osv_export.held(kept.path, concerned) if kept else None
        except FixbyError as error:
            yield Part(name, "cannot be used", problem=told(error))
            continue
        if kept and held:
            asked = f"asked for {published.instant(held.asked_at)}" if held.asked_at else "taken from a file"
            stale = "They are too old: fixby update" if held.as_of < kept.oldest else ""
            yield Part(name, f"up to {held.modified:%Y-%m-%d}", f"{held.count:,} kept, {asked}", stale)


def _document(parts: Sequence[Part]) -> published.Document:
    return {
        "schema": "fixby.doctor/1",
        "parts": [
            {"name": part.name, "state": part.state, "here": part.here, "problem": part.problem or None}
            for part in parts
        ],
    }


def _show(parts: Sequence[Part]) -> None:
    from fixby.reports import terminal  # noqa: PLC0415 - rich takes a tenth of a second

    show(terminal.parts_table([(part.name, part.state, part.here) for part in parts]))
    problems = [f"{part.name}: {safe(part.problem)}" for part in parts if part.problem]
    if problems:
        show("", *problems)
