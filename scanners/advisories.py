"""Published advisories as OSV distributes them (https://ossf.github.io/osv-schema): loaded, matched, and rated.

Only what concerns one ecosystem is kept, the package index of Python where nothing is said. A record that cannot be
read is a problem by name; one whose ranges cannot be evaluated for a version is a doubt by name. Neither is ever taken
to mean "not affected".
"""

import os
import zlib
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from hashlib import file_digest, sha256
from itertools import chain
from pathlib import Path
from typing import cast
from zipfile import BadZipFile, ZipFile

from fixby.errors import ReportError, UsageError
from fixby.scanners.ecosystems import Ecosystem, ecosystem
from fixby.scanners.osv_matching import entries, fixed, packages, releases, verdict
from fixby.scanners.report import Record, child, each, has, root, text, texts
from fixby.severity import Severity, SeveritySource, severity_of_cvss_score

PYPI = cast("Ecosystem", ecosystem("PyPI"))


@dataclass(frozen=True, slots=True)
class Advisories:
    """The records in force, as JSON, by the normal name of each package that they concern and by each of their names.

    They are parsed when asked for: holding thousands of parsed records doubles the time that loading takes.
    `problems` are sentences about what could not be read; `modified` is the newest time of change of any record.
    `count` is how many records there are about the ecosystem, withdrawn ones and other packages included; `releases`
    are those of a distribution that any record is about. `withdrawn` has the names of vulnerabilities that were
    withdrawn, by package, those of records that name none under "".
    """

    by_package: Mapping[str, list[bytes]] = field(default_factory=dict)
    by_name: Mapping[str, list[bytes]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    modified: datetime | None = None
    concerned: Ecosystem = PYPI
    count: int = 0
    releases: frozenset[str] = frozenset()
    withdrawn: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Matches:
    """The records that concern a package in a version, by id, and sentences about those that could not be judged."""

    records: tuple[Record, ...]
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Advice:
    """What an advisory says beyond its id; what it does not say itself, the others of its alias group may."""

    title: str
    severity: Severity
    severity_source: SeveritySource
    cwes: tuple[str, ...]
    references: tuple[str, ...]


def load(path: Path, concerned: Ecosystem = PYPI, wanted: Container[str] | None = None) -> Advisories:
    """The advisories for an ecosystem: of a zip, or of a folder and all below it, whose records are files `*.json`.

    Of a folder the zips are read that OSV's names mark as the ecosystem's (`npm/all.zip`, `npm-all.zip`). With `wanted`
    only what concerns these packages is kept. Raises `UsageError` where nothing is at the path or a zip is damaged.
    """
    by_package: defaultdict[str, list[bytes]] = defaultdict(list)
    by_name: defaultdict[str, list[bytes]] = defaultdict(list)
    withdrawn: list[tuple[tuple[str, ...], set[str]]] = []
    problems, times, count, about_releases = [], [], 0, set[str]()
    for source, read in sources(path, concerned):
        try:
            content = read()
            record = root(content)
            names, about = names_of(record), packages(record, concerned)
            about_releases |= releases(record, concerned)
            times.append(modified_of(record))
        except DAMAGED as error:
            problems.append(f"advisory {source} cannot be read: {error}")
            continue
        count += bool(about)
        kept = {package for package in about if wanted is None or package in wanted}
        if has(record, "withdrawn"):
            withdrawn.append(
                (names, kept or ({""} if not has(record, "affected") or not record["affected"] else set()))
            )
        elif kept or wanted is None:
            _add(content, by_name, names)
            _add(content, by_package, kept)
    if not count:
        problems.append(f"{path.name} holds no advisory for {concerned.name}")
    newest, gone = max(times, default=None), _withdrawn(withdrawn, by_name)
    return Advisories(by_package, by_name, tuple(problems), newest, concerned, count, frozenset(about_releases), gone)


def matching(advisories: Advisories, name: str, version: str, release: str = "") -> Matches:
    """The records that affect a package of any spelling in a version, by the evaluation that OSV defines.

    `release` is that of a distribution which has several, such as `12` of Debian. A version that the ecosystem's rules
    cannot read is affected where a record lists it literally; anything else then is a doubt.
    """
    concerned = advisories.concerned
    package = concerned.spelt(name)
    records, doubts = [], []
    about = {_id(record): record for record in map(root, advisories.by_package.get(package, ()))}
    for id_, record in sorted(about.items()):
        affected, doubt = verdict(record, concerned, package, version, release)
        records += [record] if affected else []
        doubts += [f"{id_} cannot be judged for {package} {version}: {doubt}"] if doubt else []
    return Matches(tuple(records), tuple(doubts))


def withdrawn(advisories: Advisories, name: str) -> frozenset[str]:
    """The names of a package's vulnerabilities that were withdrawn, and that no record in force shares."""
    package = advisories.concerned.spelt(name)
    return advisories.withdrawn.get(package, _NO_NAMES) | advisories.withdrawn.get("", _NO_NAMES)


def fixed_versions(advisories: Advisories, record: Record, name: str, release: str = "") -> tuple[str, ...]:
    """The versions of a package in which a record says that it is fixed, each once, in the record's order."""
    concerned = advisories.concerned
    parts = entries(record, concerned, concerned.spelt(name), release)
    return tuple(dict.fromkeys(version for part in parts for version in fixed(part, concerned)))


def answer(record: Record, name: str) -> Record:
    """A record as pip-audit can read it: one entry for the package, spelt as it asks, with all fixed versions.

    pip-audit 2.10.1 compares names literally, takes the last entry only, and breaks on versions that are none.
    """
    package = PYPI.spelt(name)
    fixes = [{"fixed": version} for part in entries(record, PYPI, package) for version in fixed(part, PYPI)]
    entry = {
        "package": {"name": package, "ecosystem": PYPI.name},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, *fixes]}],
    }
    words = {key: record[key] for key in ("summary", "details") if has(record, key)}
    return {**words, "id": _id(record), "aliases": _optional_texts(record, "aliases"), "affected": [entry]}


def advice(advisories: Advisories, record: Record) -> Advice:
    """What is known of an advisory, from its record and from those that share a name with it."""
    group = alias_group(advisories, record)
    severity, source = severity_of(group)
    return Advice(
        next((text(one, "summary") for one in (record, *group) if has(one, "summary")), ""),
        severity,
        source,
        tuple(sorted({cwe for one in group for cwe in _cwes(one)})),
        tuple(dict.fromkeys(text(link, "url") for link in _optional(record, "references"))),
    )


def alias_group(advisories: Advisories, record: Record) -> tuple[Record, ...]:
    """The record and all that share a name with it, by id."""
    sharing = chain.from_iterable(advisories.by_name.get(name, ()) for name in names_of(record))
    return tuple(one for _, one in sorted({_id(one): one for one in (record, *map(root, sharing))}.items()))


def severity_of(group: Iterable[Record]) -> tuple[Severity, SeveritySource]:
    """The severity of an alias group: of its CVSS vectors the newest version's highest score, else its worst word.

    CVSS v2 knows no critical; its scores are read by the scale of v3.1 and v4.0 all the same. The words are those of
    `database_specific.severity`. Nothing of either: unknown.
    """
    records = tuple(group)
    scores = [score for record in records for vector in _vectors(record) for score in _scores(vector)]
    if scores:
        return severity_of_cvss_score(max(scores)[1]), SeveritySource.CVSS
    words = [_WORDS[word] for record in records if (word := _specific(record).get("severity")) in _WORDS]
    if words:
        return max(words, key=lambda severity: severity.rank), SeveritySource.SCANNER
    return Severity.UNKNOWN, SeveritySource.DEFAULT


def published_until(advisories: Advisories) -> datetime | None:
    """The newest time of change of any record: how fresh the data is; None where there is no record."""
    return advisories.modified


def fingerprint(path: Path) -> str:
    """The SHA-256 of the advisories' content, in hexadecimal. Raises `UsageError` where there is nothing."""
    try:
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.suffix in (".json", ".zip"))
            parts = [part for file in files for part in (os.fsencode(file.relative_to(path)), _digest(file))]
            return sha256(b"\0".join(parts)).hexdigest()
        return _digest(path).hex()
    except FileNotFoundError as error:
        raise UsageError(f"there are no advisories at {path}", _HINT) from error
    except OSError as error:
        raise UsageError(f"the advisories at {path} cannot be read: {error}", _HINT) from error


def sources(path: Path, concerned: Ecosystem) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """The name of each record and what reads it, in an order of names. Raises as `load` does."""
    if not path.is_dir():
        yield from _members(path)
        return
    yield from _files_of_records(path)
    for archive in archives(path, concerned):
        yield from _members(archive)


def archives(folder: Path, concerned: Ecosystem, *, whole: bool = True) -> list[Path]:
    """The zips of a folder that hold an ecosystem's records, by the names of OSV.

    Where there is none and `whole` is set, the one of all ecosystems: `all.zip`.
    """
    found = [file for file in sorted(folder.rglob("*all.zip")) if ecosystem_of(file) is concerned]
    every = folder / "all.zip"
    return found or ([every] if whole and every.is_file() else [])


def ecosystem_of(file: Path) -> Ecosystem | None:
    """The ecosystem that `npm/all.zip` or `npm-all.zip` is of, by its name; a zip may be of one release of it."""
    if file.name == "all.zip":
        return ecosystem(file.absolute().parent.name)
    return ecosystem(file.name.removesuffix("-all.zip")) if file.name.endswith("-all.zip") else None


def named(path: Path, name: str) -> list[Record]:
    """All records of any ecosystem whose id or alias a name is, in any case, withdrawn ones too, by id.

    Raises as `load` does; a record that cannot be read is passed over.
    """
    wanted, found = name.casefold(), {}
    files = [path] if path.is_file() else sorted(path.rglob("*all.zip"))
    for _, read in chain(_files_of_records(path), *map(_members, files)):
        with suppress(*DAMAGED):
            content = read()
            if wanted.encode() in content.lower():
                record = root(content)
                if wanted in {other.casefold() for other in names_of(record)}:
                    found[_id(record)] = record
    return [record for _, record in sorted(found.items())]


def fixed_in(entry: Record) -> tuple[str, ...]:
    """The versions in which an entry of a record says that it is fixed, whatever its ecosystem."""
    return tuple(dict.fromkeys(fixed(entry, None)))


def names_of(record: Record) -> tuple[str, ...]:
    """The id of a record and its aliases, as written."""
    return (_id(record), *_optional_texts(record, "aliases"))


def modified_of(record: Record) -> datetime:
    """When a record was last changed. Raises `ReportError`."""
    try:
        moment = datetime.fromisoformat(text(record, "modified"))
    except ValueError as error:
        raise ReportError("expected a time at `modified`") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_WORDS = {
    "LOW": Severity.LOW,
    "MODERATE": Severity.MEDIUM,
    "MEDIUM": Severity.MEDIUM,
    "HIGH": Severity.HIGH,
    "CRITICAL": Severity.CRITICAL,
}

DAMAGED = (OSError, ReportError, BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What a damaged, encrypted or strangely packed record is answered with."""


def _digest(file: Path) -> bytes:
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").digest()


def _files_of_records(folder: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    for file in sorted(folder.rglob("*.json")):
        yield file.relative_to(folder).as_posix(), file.read_bytes


def _members(path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    try:
        with ZipFile(path) as archive:
            for member in sorted(archive.namelist()):
                if member.endswith(".json"):
                    yield member, partial(_bounded, archive, member)
    except FileNotFoundError as error:
        raise UsageError(f"there are no advisories at {path}", _HINT) from error
    except (OSError, BadZipFile) as error:
        raise UsageError(
            f"the advisories at {path} are no folder and no zip that can be read: {error}", _HINT
        ) from error


def _bounded(archive: ZipFile, member: str) -> bytes:
    if archive.getinfo(member).file_size > _LARGEST_RECORD:
        raise ReportError(f"it is larger than {_LARGEST_RECORD} bytes, which no advisory is")
    return archive.read(member)


_LARGEST_RECORD = 1 << 26
_HINT = "give a folder or a zip of OSV records in JSON, such as the all.zip that OSV publishes for an ecosystem"


_NO_NAMES: frozenset[str] = frozenset()


def _withdrawn(
    records: Iterable[tuple[tuple[str, ...], set[str]]], in_force: Container[str]
) -> Mapping[str, frozenset[str]]:
    """The names of withdrawn records by package; one that shares a name with a record in force was replaced by that."""
    found: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
    for names, some in records:
        for package in some if not any(name in in_force for name in names) else ():
            found[package] |= frozenset(names)
    return dict(found)


def _add(content: bytes, index: defaultdict[str, list[bytes]], keys: Iterable[str]) -> None:
    for key in keys:
        index[key].append(content)


def _vectors(record: Record) -> Iterator[Record]:
    yield from _optional(record, "severity")
    for part in _optional(record, "affected"):
        yield from _optional(part, "severity")


def _scores(vector: Record) -> Iterator[tuple[float, float]]:
    """The version of CVSS and the base score of a vector; nothing where it is of another kind or malformed."""
    from cvss import CVSS2, CVSS3, CVSS4, CVSSError  # noqa: PLC0415 - needed for the few records that matched

    kinds = {"CVSS_V2": CVSS2, "CVSS_V3": CVSS3, "CVSS_V4": CVSS4}
    written, kind = text(vector, "score"), kinds.get(text(vector, "type"))
    if kind is not None:
        with suppress(CVSSError):
            yield float(written[5:8]) if written.startswith("CVSS:") else 2.0, float(kind(written).scores()[0])


def _cwes(record: Record) -> tuple[str, ...]:
    return _optional_texts(_specific(record), "cwe_ids")


def _specific(record: Record) -> Record:
    return child(record, "database_specific") if has(record, "database_specific") else {}


def _optional(record: Record, key: str) -> list[Record]:
    return each(record, key, lambda part: part) if has(record, key) else []


def _optional_texts(record: Record, key: str) -> tuple[str, ...]:
    return texts(record, key) if has(record, key) else ()


def _id(record: Record) -> str:
    return text(record, "id")
