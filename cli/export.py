"""`fixby export evidence` writes a package for an auditor; `fixby verify` proves one where there is no store."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from fixby.cli import evidence as made
from fixby.cli.asking import asked
from fixby.cli.instants import beginning
from fixby.cli.output import emit, note, printable
from fixby.cli.place import Place, reading_at
from fixby.errors import ExitCode, FixbyError, ReportError
from fixby.reports import published
from fixby.reports.evidence import MANIFEST, Cover, Entry, Package, Part, entry, opened, write
from fixby.reports.plain import safe
from fixby.scanners.ssh_keygen import INSTALL, MISSING, check, is_installed, read_signers
from fixby.store import coverage, evidence, log
from fixby.store.database import Database
from fixby.store.opening import open_for_writing
from fixby.store.sign_offs import only_valid


@dataclass(frozen=True, slots=True)
class Wish:
    """The package that was asked for: `as_of` and `since` as they were written, empty for now."""

    output: Path
    query: Sequence[str] = ()
    as_of: str = ""
    since: str = "90d"


def run_evidence(wish: Wish, place: Place, *, as_json: bool) -> None:
    """Write the evidence of a period to a file. Raises `UsageError` where it cannot be written."""
    query = asked(wish.query)
    with reading_at(place, wish.as_of) as (database, found, now), database.reading():
        as_of = max(now, log.head(database).at)
        since = max(0, beginning(wish.since, "--since", as_of))
        cover = made.cover_of(database, (since, as_of), query, version("fixby"))
        signers = read_signers(found.allowed_signers) if found.allowed_signers else None
        entries = write(wish.output, cover, made.parts(database, cover, signers))
    if as_json:
        emit(published.written(_exported(wish.output, cover, entries)))
    else:
        emit(f"snapshot {cover.snapshot}")
        note(f"fixby: wrote {printable(wish.output)}; note the snapshot elsewhere, such as in a release or an e-mail")


def run_verify(file: Path, expect: str, *, as_json: bool) -> ExitCode:
    """Prove a package without a store: 1 where something in it is wrong. Raises `ReportError` where it is none."""
    proof = prove(file, expect)
    if as_json:
        emit(published.written(_document(file, proof)))
    else:
        emit("\n".join(_told(proof)))
    return ExitCode.GATE_FAILED if proof.flaws else ExitCode.DONE


@dataclass(frozen=True, slots=True)
class Proof:
    """What a package is about, what is wrong with it, and how many lines of each file were made again and are equal."""

    cover: Cover
    flaws: tuple[str, ...]
    proved: Mapping[str, int]


def prove(file: Path, expect: str = "") -> Proof:
    """Hold a package against its manifest, its log against its hashes, and all else in it against what the log tells.

    `expect` is a snapshot that was noted elsewhere, or empty. Raises `ReportError` where the file is no package.
    """
    proved: dict[str, int] = {}
    with opened(file) as package, TemporaryDirectory(prefix="fixby-") as folder:
        if made.SIGNERS in package.names() and not is_installed():
            raise ReportError(f"{file} has signatures, and {MISSING}.", INSTALL)
        flaws = [*_unexpected(package.cover, expect), *package.flaws()]
        with closing(open_for_writing(str(Path(folder) / "fixby.db"))) as database:
            flaws += islice(_of_the_log(database, package) or _of_the_rest(database, package, proved), _ENOUGH)
    return Proof(package.cover, tuple(dict.fromkeys(flaws)), {} if flaws else proved)


_ENOUGH = 1000
"""How many flaws are told of what the log says."""


def _unexpected(cover: Cover, expect: str) -> Iterator[str]:
    if expect and expect != cover.snapshot:
        yield f"the snapshot is {cover.snapshot}, not {expect} as expected: this is another log, or another part of it"


def _of_the_log(database: Database, package: Package) -> list[str]:
    """What is wrong with the log, which stands in the database afterwards."""
    try:
        evidence.restore(database, _events(package), package.cover.snapshot, package.cover.store)
    except ReportError as error:
        return [error.message.rstrip(".")]
    last = log.head(database)
    late = [f"event {last.seq} happened after the end of the period"] if last.at > package.cover.as_of else []
    return [*islice(log.flaws(database), _ENOUGH), *late]


def _events(package: Package) -> Iterator[tuple[log.Event, str]]:
    for number, line in enumerate(package.lines(made.LOG), start=1):
        try:
            yield made.event_of(line)
        except (KeyError, TypeError, ValueError) as error:
            raise ReportError(f"{made.LOG}, line {number}: this is no event: {error!r}.") from error


def _of_the_rest(database: Database, package: Package, proved: dict[str, int]) -> Iterator[str]:
    """Where a file is not what is made of the log; `proved` is filled with those that are."""
    ours = version("fixby")
    try:
        evidence.replay(database)
        _restore_coverage(database, package)
        signers = package.content(made.SIGNERS) if made.SIGNERS in package.names() else None
        with only_valid(database, partial(check, signers=signers)):
            yield from _differences(made.parts(database, package.cover, signers), package.entries, proved)
    except _NOT_OURS as error:
        if isinstance(error.__cause__, sqlite3.OperationalError):
            raise
        yield f"the log says what Fixby never writes: {error}"
    if len(proved) < len(package.entries) and package.cover.fixby != ours:
        yield f"the package was written by Fixby {package.cover.fixby}, and this is {ours}: verify it with that version"


_NOT_OURS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, FixbyError)
"""What goes wrong with events that Fixby did not write, though their hashes are right."""


def _restore_coverage(database: Database, package: Package) -> None:
    """What scans looked at is told by the package; the digests in the log prove it."""
    for name in package.names():
        if name.startswith(made.COVERAGE):
            digest = name.removeprefix(made.COVERAGE).removesuffix(".json")
            coverage.restore(database, digest, package.content(name))


def _differences(parts: Iterable[Part], listed: Mapping[str, Entry], proved: dict[str, int]) -> Iterator[str]:
    unknown = set(listed)
    for part in parts:
        unknown.discard(part.name)
        if part.name not in listed:
            yield f"{part.name} is missing: the log tells of it"
        elif flaw := _difference(part, listed[part.name], proved):
            yield flaw
    yield from (f"{name} is in the package, and the log tells nothing of it" for name in sorted(unknown))


def _difference(part: Part, listed: Entry, proved: dict[str, int]) -> str:
    """How a file differs from what is made again; what scans looked at stands under its hash."""
    try:
        count, again = _counted(part)
    except ReportError as error:
        return error.message.rstrip(".")
    if part.name.startswith(made.COVERAGE) and part.name != f"{made.COVERAGE}{again.sha256}.json":
        return f"{part.name} is not what the scan looked at: its hash is not its name"
    if listed != again:
        return f"{part.name} is not what the log tells"
    proved[part.name] = count
    return ""


def _counted(part: Part) -> tuple[int, Entry]:
    """How many pieces a part has, and what a manifest would list of it."""
    count = 0

    def pieces() -> Iterator[bytes]:
        nonlocal count
        for piece in part.pieces:
            count += 1
            yield piece

    again = entry(Part(part.name, pieces()))
    return count, again


def _told(proof: Proof) -> Iterator[str]:
    """The proof in sentences, the snapshot first: it is to be compared."""
    cover = proof.cover
    yield f"snapshot {cover.snapshot}"
    yield f"period   {published.instant(cover.since)} to {published.instant(cover.as_of)}"
    yield f"store    {safe(cover.store)}"
    yield ""
    if proof.flaws:
        yield from (f"WRONG: {safe(flaw)}" for flaw in proof.flaws)
        return
    counts = ", ".join(f"{count:,} {name}" for name, count in _counts(proof).items())
    yield "Nothing was changed: the files are those of the manifest, the log is whole, and all else follows from it."
    yield f"Proved: {counts}."
    yield "Compare the snapshot with one that was noted elsewhere: only that tells this log from another."


def _counts(proof: Proof) -> Mapping[str, int]:
    """How much was proved of each thing."""
    proved = proof.proved
    return {
        "files": len(proved) + (1 if proved else 0),
        "events": proved.get(made.LOG, 0),
        "policies": sum(name.endswith(".toml") for name in proved),
        "scans": proved.get(made.SCANS, 0),
        "findings": proved.get(made.FINDINGS, 0),
        "acceptances": proved.get(made.ACCEPTANCES, 0),
    }


def _document(file: Path, proof: Proof) -> published.Document:
    """What `verify --json` prints."""
    return {
        "schema": "fixby.evidence_verify/1",
        "file": printable(file),
        **_of_the_cover(proof.cover),
        "whole": not proof.flaws,
        "flaws": list(proof.flaws),
        "proved": dict(_counts(proof)),
    }


def _exported(output: Path, cover: Cover, entries: Sequence[Entry]) -> published.Document:
    """What `export evidence --json` prints."""
    return {
        "schema": "fixby.evidence_export/1",
        "file": printable(output),
        **_of_the_cover(cover),
        "files": [entry.name for entry in entries] + [MANIFEST],
    }


def _of_the_cover(cover: Cover) -> published.Document:
    return {
        "fixby": cover.fixby,
        "store": cover.store,
        "since": published.instant(cover.since),
        "as_of": published.instant(cover.as_of),
        "query": cover.query,
        "snapshot": cover.snapshot,
    }
