"""The package of evidence: a zip of parts, with a manifest that lists each with its size and hash."""

import re
import stat
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import orjson

from fixby.errors import ReportError, UsageError
from fixby.reports.published import instant, written

SCHEMA = "fixby.evidence/1"
MANIFEST = "manifest.json"
LARGEST = 64 * 2**30
"""How many bytes a package may unpack to."""


@dataclass(frozen=True, slots=True)
class Cover:
    """What a package is about: a period of a store, from `since` to `as_of`, UTC instants in seconds.

    `query` selects the findings behind the figures; `snapshot` is the number and hash of the last event; `fixby` the
    version that wrote the package; `store` the id of the store.
    """

    fixby: str
    store: str
    since: int
    as_of: int
    query: str
    snapshot: str


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a package, made while it is written."""

    name: str
    pieces: Iterable[bytes]


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as the manifest lists it."""

    name: str
    size: int
    sha256: str


def write(output: Path, cover: Cover, parts: Iterable[Part]) -> Sequence[Entry]:
    """Write a package beside its place and then put it there; the files that it lists.

    The same cover and parts give the same bytes. Raises `UsageError` where it cannot be written.
    """
    try:
        with NamedTemporaryFile(dir=output.parent, prefix=f".{output.name}.", delete=False) as file:
            beside = Path(file.name)
            try:
                with ZipFile(file, "w") as archive:
                    entries = [_add(archive, part) for part in sorted(parts, key=lambda part: part.name)]
                    _add(archive, Part(MANIFEST, [_manifest(cover, entries)]))
            except BaseException:
                beside.unlink()
                raise
        beside.replace(output)
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}.", "Name another file.") from error
    return entries


def entry(part: Part) -> Entry:
    """What the manifest lists of a part."""
    size, digest = 0, sha256()
    for piece in part.pieces:
        size += len(piece)
        digest.update(piece)
    return Entry(part.name, size, digest.hexdigest())


@dataclass(frozen=True, slots=True)
class Package:
    """A package that was opened: its cover, what its manifest lists, and what is really in it."""

    cover: Cover
    entries: Mapping[str, Entry]
    _archive: ZipFile
    _members: Mapping[str, ZipInfo]

    def flaws(self) -> Iterator[str]:
        """Sentences that say which files are missing, unlisted or not as the manifest lists them."""
        for name in sorted(self._members.keys() - self.entries.keys()):
            yield f"{name} is in the package and not in its manifest"
        for name in sorted(self.entries):
            if flaw := self._flaw(self.entries[name]):
                yield flaw

    def names(self) -> list[str]:
        """The files that the manifest lists and that are there, sorted."""
        return sorted(self._members.keys() & self.entries.keys())

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a file. Raises `ReportError` where it is not there, is damaged or has a line without end."""
        with self._open(name) as file:
            while line := file.readline(_LONGEST_LINE):
                if not line.endswith(b"\n"):
                    raise ReportError(f"{name} has a line that does not end.")
                yield line

    def content(self, name: str) -> bytes:
        """A file of the package. Raises `ReportError` where it is not there or is damaged."""
        with self._open(name) as file:
            return file.read()

    def _flaw(self, listed: Entry) -> str:
        """What is wrong with a file."""
        try:
            with self._open(listed.name) as file:
                found = entry(Part(listed.name, iter(lambda: file.read(2**20), b"")))
        except ReportError as error:
            return error.message.rstrip(".")
        return "" if found == listed else f"{listed.name} does not have the hash that the manifest says"

    @contextmanager
    def _open(self, name: str) -> Iterator[IO[bytes]]:
        """A file, open; the size that the zip tells is compared first, so that no bomb goes off."""
        if name not in self._members:
            raise ReportError(f"{name} is in the manifest and not in the package.")
        if self._members[name].file_size != self.entries[name].size:
            raise ReportError(f"{name} is not of the size that the manifest says.")
        with _readable(name), self._archive.open(self._members[name]) as file:
            yield file


@contextmanager
def opened(file: Path) -> Iterator[Package]:
    """The package of a file. Raises `ReportError` where it is none; nothing is unpacked."""
    try:
        archive = ZipFile(file)
    except _UNREADABLE as error:
        raise ReportError(f"{file} is no package of evidence: {_why(error)}.", _HINT) from error
    with archive:
        members = _members(archive)
        if MANIFEST not in members:
            raise ReportError(f"{file} is no package of evidence: it has no {MANIFEST}.", _HINT)
        cover, entries = _parsed(_manifest_of(archive, members.pop(MANIFEST)))
        if sum(entry.size for entry in entries.values()) > LARGEST:
            raise ReportError(f"{file} would unpack to more than {LARGEST:,} bytes.", _HINT)
        yield Package(cover, entries, archive, members)


_LONGEST_LINE = 2**26
_LONGEST_MANIFEST = 2**27
_HINT = "Ask for the package again: fixby export evidence"
_UNREADABLE = (
    BadZipFile,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What `zipfile` raises for what is no zip, or a damaged one."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")


def _add(archive: ZipFile, part: Part) -> Entry:
    """Add a file that says nothing of the machine or the hour."""
    info = ZipInfo(part.name, (1980, 1, 1, 0, 0, 0))
    info.compress_type, info.create_system, info.external_attr = ZIP_DEFLATED, 3, (stat.S_IFREG | 0o644) << 16
    with archive.open(info, "w", force_zip64=True) as file:

        def told() -> Iterator[bytes]:
            for piece in part.pieces:
                file.write(piece)
                yield piece

        return entry(Part(part.name, told()))


def _manifest(cover: Cover, entries: Iterable[Entry]) -> bytes:
    document = {
        "schema": SCHEMA,
        "fixby": cover.fixby,
        "store": cover.store,
        "since": instant(cover.since),
        "as_of": instant(cover.as_of),
        "query": cover.query,
        "snapshot": cover.snapshot,
        "files": [{"name": entry.name, "size": entry.size, "sha256": entry.sha256} for entry in entries],
    }
    return f"{written(document)}\n".encode()


def _manifest_of(archive: ZipFile, info: ZipInfo) -> bytes:
    if info.file_size > _LONGEST_MANIFEST:
        raise ReportError(f"{MANIFEST} is larger than {_LONGEST_MANIFEST:,} bytes.", _HINT)
    with _readable(MANIFEST):
        return archive.read(info)


def _parsed(text: bytes) -> tuple[Cover, Mapping[str, Entry]]:
    """What a manifest says; it must be to the byte what Fixby writes. Raises `ReportError`."""
    try:
        document = orjson.loads(text)
        if document["schema"] != SCHEMA:
            raise ReportError(f"{MANIFEST} is of the format {document['schema']!r}, not {SCHEMA}.", "Upgrade Fixby.")
        since, as_of = (int(datetime.fromisoformat(document[key]).timestamp()) for key in ("since", "as_of"))
        words = (_word(document[key]) for key in ("fixby", "store", "query", "snapshot"))
        fixby, store, query, snapshot = words
        entries = [Entry(_name(one["name"]), _size(one["size"]), _word(one["sha256"])) for one in document["files"]]
        cover = Cover(fixby, store, since, as_of, query, snapshot)
        canonical = _manifest(cover, entries)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ReportError(f"{MANIFEST} cannot be read: {error!r}.", _HINT) from error
    if canonical != text:
        raise ReportError(f"{MANIFEST} is not in the form that Fixby gives it.", _HINT)
    if not re.fullmatch(r"\d{1,18}:[0-9a-f]{64}", snapshot):
        raise ReportError(f"{MANIFEST}: the snapshot {snapshot[:99]!r} is no number and hash of an event.", _HINT)
    if len({entry.name for entry in entries}) < len(entries):
        raise ReportError(f"{MANIFEST} lists a file twice.", _HINT)
    return cover, {entry.name: entry for entry in entries}


def _word(value: Any) -> str:  # noqa: ANN401 - JSON
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _size(value: Any) -> int:  # noqa: ANN401 - JSON
    if type(value) is not int or value < 0:
        raise TypeError(f"{value!r} is no size")
    return value


def _name(value: Any) -> str:  # noqa: ANN401 - JSON
    if not _NAME.fullmatch(_word(value)):
        raise ValueError(f"{value!r} is no name of a file of a package")
    return str(value)


def _members(archive: ZipFile) -> dict[str, ZipInfo]:
    """The files of a zip by name; folders are none. Raises `ReportError` for what no package of ours has."""
    members: dict[str, ZipInfo] = {}
    for info in archive.infolist():
        if why := _why_refused(info):
            raise ReportError(f"The package holds {info.filename[:200]!r}, which is {why}.", _HINT)
        if info.filename in members:
            raise ReportError(f"The package holds {info.filename!r} twice.", _HINT)
        if not info.is_dir():
            members[info.filename] = info
    return members


def _why_refused(info: ZipInfo) -> str:
    """Why a member of a zip is not read, empty where it is."""
    if not _NAME.fullmatch(info.filename.removesuffix("/")) or info.filename != info.orig_filename:
        return "no name of a file of a package"
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "no ordinary file"
    if info.flag_bits & 1 or info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        return "encrypted, or packed in a way that Fixby does not use"
    return ""


@contextmanager
def _readable(name: str) -> Iterator[None]:
    try:
        yield
    except _UNREADABLE as error:
        raise ReportError(f"{name} cannot be read: {_why(error)}.", _HINT) from error


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).rstrip(".")
