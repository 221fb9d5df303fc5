"""Published advisories as OSV distributes them (https://ossf.github.io/osv-schema): loaded, matched, and rated.

Only what concerns the package index of Python is kept. A record that cannot be read is a problem by name; one whose
ranges cannot be evaluated for a version is a doubt by name. Neither is ever taken to mean "not affected".
"""

import os
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache, partial
from hashlib import sha256
from itertools import chain
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from fixby.errors import ReportError, UsageError
from fixby.scanners.report import Record, child, each, has, root, text, texts
from fixby.severity import Severity, SeveritySource, severity_of_cvss_score

ECOSYSTEM = "PyPI"


@dataclass(frozen=True, slots=True)
class Advisories:
    """The records in force, as JSON, by the normal name of each package that they concern and by each of their names.

    They are parsed when asked for: holding thousands of parsed records doubles the time that loading takes.
    `problems` are sentences about what could not be read; `modified` is the newest time of change of any record.
    """

    by_package: Mapping[str, list[bytes]] = field(default_factory=dict)
    by_name: Mapping[str, list[bytes]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    modified: datetime | None = None


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


def load(path: Path) -> Advisories:
    """The advisories of a zip, or of a folder and all below it, whose records are files `*.json`.

    Raises `UsageError` where there is nothing at the path or it is a damaged zip.
    """
    by_package: defaultdict[str, list[bytes]] = defaultdict(list)
    by_name: defaultdict[str, list[bytes]] = defaultdict(list)
    problems, times = [], []
    for source, read in _sources(path):
        try:
            content = read()
            record = root(content)
            names, packages = names_of(record), _packages(record)
            times.append(_modified(record))
        except _DAMAGED as error:
            problems.append(f"advisory {source} cannot be read: {error}")
            continue
        if not has(record, "withdrawn"):
            _add(content, by_name, names)
            _add(content, by_package, packages)
    if not by_package:
        problems.append(f"{path.name} holds no advisory for {ECOSYSTEM}")
    return Advisories(by_package, by_name, tuple(problems), max(times, default=None))


def matching(advisories: Advisories, name: str, version: str) -> Matches:
    """The records that affect a package of any spelling in a version, by the evaluation that OSV defines.

    A version that is none by PEP 440 is affected where a record lists it literally; anything else then is a doubt.
    """
    package = canonicalize_name(name)
    records, doubts = [], []
    for record in sorted(map(root, advisories.by_package.get(package, ())), key=_id):
        affected, doubt = _verdict(record, package, version)
        records += [record] if affected else []
        doubts += [f"{_id(record)} cannot be judged for {package} {version}: {doubt}"] if doubt else []
    return Matches(tuple(records), tuple(doubts))


def answer(record: Record, name: str) -> Record:
    """A record as pip-audit can read it: one entry for the package, spelt as it asks, with all fixed versions.

    pip-audit 2.10.1 compares names literally, takes the last entry only, and breaks on versions that are none.
    """
    package = canonicalize_name(name)
    fixed = [{"fixed": version} for part in _affected(record, package) for version in _fixed(part)]
    entry = {
        "package": {"name": package, "ecosystem": ECOSYSTEM},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, *fixed]}],
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
        if path.is_file():
            return sha256(path.read_bytes()).hexdigest()
        parts = [part for name, content in _sources(path) for part in (os.fsencode(name), sha256(content()).digest())]
    except OSError as error:
        raise UsageError(f"the advisories at {path} cannot be read: {error}", _HINT) from error
    return sha256(b"\0".join(parts)).hexdigest()


def names_of(record: Record) -> tuple[str, ...]:
    """The id of a record and its aliases, as written."""
    return (_id(record), *_optional_texts(record, "aliases"))


_WORDS = {
    "LOW": Severity.LOW,
    "MODERATE": Severity.MEDIUM,
    "MEDIUM": Severity.MEDIUM,
    "HIGH": Severity.HIGH,
    "CRITICAL": Severity.CRITICAL,
}

_DAMAGED = (OSError, ReportError, BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What a damaged, encrypted or strangely packed record is answered with."""


def _sources(path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """The name of each record and what reads it, in an order of names."""
    if path.is_dir():
        for file in sorted(path.rglob("*.json")):
            yield file.relative_to(path).as_posix(), file.read_bytes
        return
    try:
        with ZipFile(path) as archive:
            for member in sorted(archive.namelist()):
                if member.endswith(".json"):
                    yield member, partial(archive.read, member)
    except FileNotFoundError as error:
        raise UsageError(f"there are no advisories at {path}", _HINT) from error
    except (OSError, BadZipFile) as error:
        raise UsageError(
            f"the advisories at {path} are no folder and no zip that can be read: {error}", _HINT
        ) from error


_HINT = "give a folder or a zip of OSV records in JSON, such as the all.zip that OSV publishes for PyPI"


def _modified(record: Record) -> datetime:
    try:
        moment = datetime.fromisoformat(text(record, "modified"))
    except ValueError as error:
        raise ReportError("expected a time at `modified`") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _add(content: bytes, index: defaultdict[str, list[bytes]], keys: Iterable[str]) -> None:
    for key in keys:
        index[key].append(content)


def _packages(record: Record) -> set[str]:
    return {canonicalize_name(text(package, "name")) for package, _ in _concerned(record)}


def _affected(record: Record, package: str) -> list[Record]:
    return [part for about, part in _concerned(record) if canonicalize_name(text(about, "name")) == package]


def _concerned(record: Record) -> Iterator[tuple[Record, Record]]:
    """The entries for our ecosystem, each with its package."""
    for part in _optional(record, "affected"):
        if has(part, "package") and text(child(part, "package"), "ecosystem").split(":")[0] == ECOSYSTEM:
            yield child(part, "package"), part


def _verdict(record: Record, package: str, version: str) -> tuple[bool, str]:
    """Whether a record affects a version, and, where no part of it says so, why others could not be evaluated."""
    doubts = []
    for part in _affected(record, package):
        try:
            if _affects(part, version):
                return True, ""
        except (InvalidVersion, ReportError) as error:
            doubts.append(str(error))
    return False, "; ".join(doubts)


def _affects(part: Record, version: str) -> bool:
    listed = _optional_texts(part, "versions")
    if version in listed:
        return True
    ranges = [span for span in _optional(part, "ranges") if text(span, "type") == "ECOSYSTEM"]
    if not (ranges or listed):
        raise ReportError("it has neither versions nor ranges of versions")
    here = Version(version)
    return any(_public(other) == here.public for other in listed) or any(_in_range(span, here) for span in ranges)


@lru_cache(maxsize=100_000)
def _public(version: str) -> str:
    """The normal spelling of a version without its local part (`1.0+cpu` is a build of 1.0), or an empty string."""
    try:
        return Version(version).public
    except InvalidVersion:
        return ""


def _in_range(span: Record, here: Version) -> bool:
    """OSV's algorithm: events in order of version switch "affected" on and off; beyond every limit nothing is.

    At one version a fix comes first and the last affected comes last: their alphabetical order.
    """
    events = [(kind, str(at)) for event in each(span, "events", dict.items) for kind, at in event]
    affected = False
    for version, kind in sorted((_point(at), kind) for kind, at in events if kind != "limit"):
        match kind:
            case "introduced":
                affected = affected or here >= version
            case "fixed":
                affected = affected and here < version
            case "last_affected":
                affected = affected and Version(here.public) <= version
            case _:
                raise ReportError("it has events of a kind that OSV does not define")
    limits = [at for kind, at in events if kind == "limit"]
    return affected and (not limits or any(limit == "*" or here < Version(limit) for limit in limits))


def _point(version: str) -> Version:
    """A version of an event; `0` stands for before everything."""
    return Version("0.dev0" if version == "0" else version)


def _fixed(part: Record) -> Iterator[str]:
    """The versions in which an entry of a record says it is fixed, those only that can be compared."""
    for span in _optional(part, "ranges"):
        if text(span, "type") == "ECOSYSTEM":
            for event in each(span, "events", lambda event: event):
                if "fixed" in event and _public(str(event["fixed"])):
                    yield str(event["fixed"])


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
