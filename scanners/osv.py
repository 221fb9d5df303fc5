"""Packages that lock files and bills of materials name, matched against OSV advisories that lie on this machine.

Python's manifests are pip-audit's; what is read here is in `fixby.scanners.lockfiles`. Nothing is asked of a network:
the advisories are those of `--advisories`, else those that `fixby update` keeps beside the store, and what they do not
cover is skipped by name. Reading and matching run in a process of our own making (`osv_worker`), since both the files
and the records come from outside.
"""

import json
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version as installed_version
from pathlib import Path
from textwrap import shorten

from fixby.component import component
from fixby.errors import ReportError
from fixby.finding import Category, Finding, Location, Rule
from fixby.identifiers import identifiers
from fixby.identity import digest
from fixby.scanners import advisories
from fixby.scanners.ecosystems import Ecosystem, ecosystem
from fixby.scanners.lockfiles.registry import is_read
from fixby.scanners.report import HINT, Record, child, each, items, no_report, optional_text, root, text, texts
from fixby.scanners.scanner import Command, Finished, Kind, Options, Reading, Request, Source
from fixby.severity import Severity, SeveritySource

NAME = "osv"
KIND = Kind.SCA
RENAMED_RULES: Mapping[str, Collection[str]] = {}


def wants(path: str) -> bool:
    """Whether a file of this path is a lock file or a bill of materials that is read here."""
    return is_read(path)


def version() -> str:
    """The version of Fixby: it does the matching itself."""
    return installed_version("fixby")


def configuration(options: Options) -> str:
    """A digest of the advisories in force. Raises `UsageError` where they cannot be read."""
    return digest((NAME, fingerprint(options)))


def fingerprint(options: Options) -> str:
    """The digest of the advisories at hand. Raises `UsageError` where they cannot be read."""
    known = _at_hand(options)
    return advisories.fingerprint(known) if known else "no advisories"


def rules(options: Options) -> frozenset[str] | None:  # noqa: ARG001 - as the protocol has it
    """None: what is known of a package is told by its advisories."""
    return None


@contextmanager
def commands(request: Request) -> Iterator[Sequence[Command]]:
    """One process for all files: loading the advisories is most of the work."""
    plan = {"root": str(request.target.root), "files": sorted(request.files)}
    yield [matching(plan, request.workspace, request.options, request.files)] if request.files else []


def matching(plan: Mapping[str, object], workspace: Path, options: Options, files: tuple[str, ...] = ()) -> Command:
    """The process that matches what a plan (`osv_worker`) names against the advisories at hand."""
    known, kept = _at_hand(options), options.kept_advisories
    whole = {
        **plan,
        "advisories": str(known.absolute()) if known else None,
        "oldest": kept.oldest if kept and kept.path == known else None,
    }
    file = workspace / "plan.json"
    file.write_text(json.dumps(whole))
    start = (sys.executable, "-I", "-X", "utf8", "-m", "fixby.scanners.osv_worker", str(file))
    return Command(start, files, workspace, cost=_MILLISECONDS)


_MILLISECONDS = 1000


def _at_hand(options: Options) -> Path | None:
    """The advisories in force: those that somebody named, else those that are kept."""
    kept = options.kept_advisories
    return options.advisories or (kept.path if kept else None)


def conclude(finished: Finished, source: Source) -> Reading:
    """What the process says. Raises `ReportError` where it ended without a report."""
    if finished.exit_code != 0 or not finished.report:
        raise no_report(NAME, finished)
    return read(finished.report, source)


def recognises(document: object) -> bool:
    """Whether a parsed JSON document is a report of the process."""
    return isinstance(document, dict) and document.get("format") == FORMAT


def read(report: bytes, source: Source) -> Reading:
    """What a report says. Raises `ReportError` where it is damaged."""
    record = root(report)
    unread = child(record, "unread")
    rows = each(record, "packages", lambda row: row)
    skipped = {unit: text(unread, unit) for unit in unread}
    scanned = dict.fromkeys(texts(record, "scanned"), "")
    for row in rows:
        for path, _ in _places(row):
            unit, here = f"{path}#{text(row, 'name')}", text(row, "version")
            scanned[unit] = f"{scanned[unit]}, {here}" if unit in scanned else here
    return Reading(
        tuple(finding for row in rows for finding in _findings(row, source)),
        scanned={unit: here for unit, here in scanned.items() if not {unit, unit.partition("#")[0]} & skipped.keys()},
        skipped=skipped,
        problems=texts(record, "problems"),
        withdrawn=_withdrawn(rows),
    )


FORMAT = "fixby-osv/1"


def _places(row: Record) -> list[tuple[str, int | None]]:
    found = [place for place in items(row, "places") if isinstance(place, list) and len(place) == len(("path", "line"))]
    return [(path, line if isinstance(line, int) else None) for path, line in found if isinstance(path, str)]


def _withdrawn(rows: Iterable[Record]) -> dict[str, frozenset[str]]:
    """The names that were withdrawn, by the packages that they were of."""
    found: dict[str, frozenset[str]] = {}
    for row in rows:
        if names := frozenset(identifiers(texts(row, "withdrawn")).names):
            units = (f"{path}#{text(row, 'name')}" for path, _ in _places(row))
            found |= {unit: found.get(unit, frozenset()) | names for unit in units}
    return found


def _findings(row: Record, source: Source) -> Iterator[Finding]:
    """A finding for each advisory and each file: a package in two lock files is to be mended in both."""
    concerned = ecosystem(text(row, "ecosystem"))
    if concerned is None:
        raise ReportError(f"`ecosystem` {text(row, 'ecosystem')!r} is none that is known", HINT)
    by_file: dict[str, list[int | None]] = {}
    for path, line in _places(row):
        by_file.setdefault(path, []).append(line)
    for advisory in each(row, "advisories", lambda one: one):
        for path, lines in by_file.items():
            known = sorted({line for line in lines if line is not None})
            places = tuple(Location(source.path(path), line) for line in known or (None,))
            yield _finding(row, concerned, advisory, places)


def _finding(row: Record, concerned: Ecosystem, advisory: Record, places: tuple[Location, ...]) -> Finding:
    name, id_, details = text(row, "name"), text(advisory, "id"), text(advisory, "details")
    title = f"{name}: {text(advisory, 'title') or _first_sentence(details) or id_}"
    upgrade = optional_text(advisory, "upgrade")
    return Finding(
        category=Category.CONTAINER if concerned.released else Category.DEPENDENCY,
        scanner=NAME,
        rule=Rule(id_, title, texts(advisory, "cwes"), texts(advisory, "references")),
        severity=Severity(text(advisory, "severity")),
        severity_source=SeveritySource(text(advisory, "severity_source")),
        message=details or title,
        locations=places,
        component=component(concerned.purl_type, name, text(row, "version"), texts(advisory, "fixed")),
        identifiers=identifiers(texts(advisory, "names")),
        fix=f"Upgrade {name} to {upgrade} or later" if upgrade else "",
    )


def _first_sentence(details: str) -> str:
    return shorten(re.split(r"(?<=[.!?])\s|\n\n", details.strip(), maxsplit=1)[0], width=120, placeholder=" ...")
