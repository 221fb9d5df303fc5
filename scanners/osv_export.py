"""Advisories as OSV publishes them, fetched as far as they changed (https://google.github.io/osv.dev/data/#data-dumps).

Below an address OSV has for each ecosystem `all.zip` with all records, each of them as `ID.json`, and `modified_id.csv`
with a line for each: when it was last changed, and its id. Where little changed only those records are fetched, else
the zip. Nothing is replaced before what replaces it was read to its end.
"""

import json
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from secrets import token_hex
from typing import Final
from urllib.parse import quote
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from fixby.errors import FetchError, ReportError, UsageError
from fixby.scanners import advisories
from fixby.scanners.ecosystems import Ecosystem
from fixby.scanners.fetching import download, fetch, fetch_unless, keep
from fixby.scanners.osv_matching import packages
from fixby.scanners.report import Record, number, root, text

ADDRESS: Final = "https://osv-vulnerabilities.storage.googleapis.com"
"""The public export that https://google.github.io/osv.dev/data/ names."""


@dataclass(frozen=True, slots=True)
class Held:
    """The advisories of an ecosystem that are kept: how many, and their newest change.

    `asked_at` is the UTC second at which the publisher last said that these are its newest, None where they were taken
    from a file.
    """

    count: int
    modified: datetime
    asked_at: int | None = None

    @property
    def as_of(self) -> int:
        """The UTC second of which these are: nothing that was published later is among them."""
        return max(int(self.modified.timestamp()), self.asked_at or 0)


def bring(concerned: Ecosystem, folder: Path, address: str, now: int) -> Held:
    """Bring what a folder keeps of an ecosystem up to date with what is published below an address.

    Raises `FetchError`, or `ReportError` for what is damaged or older than what is kept; `UsageError` where it cannot
    be written. What was kept is kept then.
    """
    archive, place = archive_of(folder, concerned), f"{address}/{quote(concerned.name)}"
    known = _noted(archive)
    answer = fetch_unless(f"{place}/modified_id.csv", known.tag if known else "", _LARGEST_LISTING)
    if known and answer.content is None:
        return _note(archive, known.held, answer.tag, now)
    listed = _listed(answer.content or b"", f"{place}/modified_id.csv")
    before = _kept(archive, concerned)
    if before is not None and not _changed(before, listed):
        return _note(archive, before.held, answer.tag, now)
    fresh = _beside(archive, now)
    try:
        after = _fetched(fresh, archive, before, _Published(concerned, place, listed))
        _refuse_older(before, after, place)
        _replace(fresh, archive)
    finally:
        with suppress(OSError):
            fresh.unlink()
    lacking = _changed(after, listed)
    return _note(archive, after.held, "" if lacking else answer.tag, min(now, _first_lacking(lacking, listed, now)))


def held(folder: Path, concerned: Ecosystem) -> Held | None:
    """What a folder keeps of an ecosystem; None for nothing. Raises `ReportError` where it is damaged."""
    archive = archive_of(folder, concerned)
    if not archive.is_file():
        return None
    known = _noted(archive)
    return known.held if known else proved(archive, concerned)


def proved(archive: Path, concerned: Ecosystem) -> Held:
    """What a zip holds. Raises `ReportError` where it is damaged in any part, or holds nothing of its ecosystem."""
    return _contents(archive, concerned).held


def archive_of(folder: Path, concerned: Ecosystem) -> Path:
    """Where a folder keeps the advisories of an ecosystem: laid out as OSV publishes them."""
    return folder / concerned.name / "all.zip"


_FEW = 100
"""Up to how many changed records are fetched one by one; a zip that lacks more of its listing is an old one."""

_LARGEST_LISTING = 256 * 2**20
_LARGEST_RECORD = 64 * 2**20
_LARGEST_ARCHIVE = 4 * 2**30
_MOST_PACKED = 100
"""How many times smaller a zip can be than what it holds; records in JSON are packed to about a tenth."""
_SMALL = 2**20
_LEAST_LEFT = 0.9
"""The share of what is kept that must be left: advisories are withdrawn, and hardly ever deleted."""

_LINE = re.compile(r"(?P<at>[0-9T:.+Z-]{10,40}),(?P<id>[\w.:~+-]{1,200})", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Published:
    """An ecosystem, where it is published, and when each of its records was last changed, by id."""

    concerned: Ecosystem
    place: str
    listed: Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class _Contents:
    """When each record of a zip was last changed, by id, and how many are about the zip's ecosystem."""

    times: Mapping[str, datetime]
    count: int

    @property
    def held(self) -> Held:
        return Held(self.count, max(self.times.values()))


def _listed(content: bytes, url: str) -> dict[str, datetime]:
    """When each record was last changed, by id."""
    found: dict[str, datetime] = {}
    for place, line in enumerate(content.decode("ascii", "replace").splitlines(), 1):
        row = _LINE.fullmatch(line)
        try:
            found[row["id"] if row else ""] = _moment(row["at"] if row else "")
        except ValueError as error:
            raise ReportError(f"{url}, line {place}: expected a time and an id", _KEPT) from error
    if not found:
        raise ReportError(f"{url} lists no advisory", _KEPT)
    return found


def _moment(written: str) -> datetime:
    moment = datetime.fromisoformat(written)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _changed(before: _Contents, listed: Mapping[str, datetime]) -> set[str]:
    """The ids of the records that are new, newer by a second or more, or no longer there."""
    newer = {id_ for id_, at in listed.items() if id_ not in before.times or before.times[id_] < _second(at)}
    return newer | (before.times.keys() - listed.keys())


def _first_lacking(lacking: Collection[str], listed: Mapping[str, datetime], now: int) -> int:
    """The UTC second of the first change that a zip far behind its listing lacks; now where it lacks a few at most."""
    missed = [int(listed[id_].timestamp()) for id_ in lacking if id_ in listed]
    return min(missed) if len(missed) > _FEW else now


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _fetched(fresh: Path, archive: Path, before: _Contents | None, published: _Published) -> _Contents:
    """Write the new zip: what is kept with what changed, or where that is much, the one that is published."""
    changed = _changed(before, published.listed) if before else set[str]()
    if 0 < len(changed) <= _FEW:
        with suppress(FetchError, ReportError):  # what is not right by itself may be so in the zip
            records = {id_: _record(id_, published) for id_ in sorted(changed & published.listed.keys())}
            _renew(fresh, archive, records, changed)
            return _contents(fresh, published.concerned)
    fresh.unlink(missing_ok=True)
    download(f"{published.place}/all.zip", fresh, _LARGEST_ARCHIVE)
    return _contents(fresh, published.concerned, f"{published.place}/all.zip")


def _record(id_: str, published: _Published) -> bytes:
    """A published record. Raises `FetchError`, or `ReportError` where it is another one, or older than it is listed."""
    content = fetch(f"{published.place}/{quote(id_, safe='')}.json", _LARGEST_RECORD)
    record = root(content)
    if text(record, "id") != id_ or advisories.modified_of(record) < _second(published.listed[id_]):
        raise ReportError(f"{id_} is not there as it is listed")
    return content


def _renew(fresh: Path, archive: Path, records: Mapping[str, bytes], changed: Collection[str]) -> None:
    """Write a zip with the records of another but those that changed, and with these."""
    names = {f"{id_}.json" for id_ in changed}
    try:
        with ZipFile(archive) as old, ZipFile(fresh, "x", ZIP_DEFLATED, compresslevel=1) as new:
            for name in old.namelist():
                if name.endswith(".json") and name not in names:
                    new.writestr(name, old.read(name))
            for id_, content in records.items():
                new.writestr(f"{id_}.json", content)
    except OSError as error:
        raise UsageError(f"{fresh} cannot be written: {error.strerror}.") from error


def _kept(archive: Path, concerned: Ecosystem) -> _Contents | None:
    """What is kept; None where that is nothing, or damaged."""
    try:
        return _contents(archive, concerned)
    except ReportError:
        return None


def _contents(archive: Path, concerned: Ecosystem, called: str = "") -> _Contents:
    """What a zip that errors call by a name holds, every record of it read."""
    called, times, count = called or str(archive), dict[str, datetime](), 0
    try:
        _refuse_bomb(archive)
        for name, read in advisories.sources(archive, concerned):
            try:
                record = root(read())
                times[text(record, "id")] = advisories.modified_of(record)
                count += bool(packages(record, concerned))
            except advisories.DAMAGED as error:
                raise ReportError(f"advisory {name} cannot be read: {error}") from error
    except (ReportError, UsageError, BadZipFile, OSError) as error:
        raise ReportError(f"{called}: {error}", _KEPT) from error
    if not count:
        raise ReportError(f"{called} holds no advisory for {concerned.name}", _KEPT)
    return _Contents(times, count)


def _refuse_bomb(archive: Path) -> None:
    with ZipFile(archive) as opened:
        unpacked = sum(member.file_size for member in opened.infolist())
    if unpacked > _MOST_PACKED * archive.stat().st_size + _SMALL:
        raise ReportError(f"it would be {unpacked} bytes once unpacked, which no zip of its size is")


def _refuse_older(before: _Contents | None, after: _Contents, place: str) -> None:
    """Refuse what has lost much or is older than what is kept: a publisher that was set back, or is another one."""
    if before is None:
        return
    if after.count < _LEAST_LEFT * before.count:
        raise ReportError(f"{place} has {after.count} advisories, and {before.count} are kept", _BACKWARDS)
    if after.held.modified < before.held.modified:
        was, now = (f"{one.held.modified:%Y-%m-%d %H:%M:%S}" for one in (before, after))
        raise ReportError(f"{place} was last changed {now}, and what is kept {was}", _BACKWARDS)


_LONGEST_UPDATE = 86400
_KEPT = "What was kept before is kept."
_BACKWARDS = f"{_KEPT} If that is right, take the zip as a file: fixby update --from FILE."


def _beside(archive: Path, now: int) -> Path:
    """A name for a new zip; what an update left there that was killed, and none that still runs, is thrown away."""
    for left in archive.parent.glob(f".{archive.name}.*"):
        with suppress(OSError):
            if left.stat().st_mtime < now - _LONGEST_UPDATE:
                left.unlink()
    return archive.with_name(f".{archive.name}.{token_hex(8)}")


def _replace(fresh: Path, archive: Path) -> None:
    try:
        fresh.replace(archive)
    except OSError as error:
        raise UsageError(f"{archive} cannot be written: {error.strerror}.") from error


@dataclass(frozen=True, slots=True)
class _Noted:
    """What was written down about a zip; `tag` is that of the listing that it fulfils, or empty."""

    held: Held
    tag: str


def _noted(archive: Path) -> _Noted | None:
    """What was written down about a zip, as long as it is that one."""
    try:
        note = root(_note_of(archive).read_bytes())
        if text(note, "digest") != _digest(archive):
            return None
        kept = Held(number(note, "count"), _moment(text(note, "modified")), number(note, "asked_at"))
        return _Noted(kept, text(note, "tag"))
    except (OSError, ReportError, ValueError):
        return None


def _note(archive: Path, kept: Held, tag: str, asked_at: int) -> Held:
    """Write down what a zip holds, and the second at which the publisher said that this is its newest."""
    note: Record = {
        "digest": _digest(archive),
        "tag": tag,
        "count": kept.count,
        "modified": kept.modified.isoformat(),
        "asked_at": asked_at,
    }
    keep(_note_of(archive), json.dumps(note).encode())
    return Held(kept.count, kept.modified, asked_at)


def _note_of(archive: Path) -> Path:
    """A file beside it whose name is neither a record's nor a zip's."""
    return archive.with_name("asked")


def _digest(archive: Path) -> str:
    with archive.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
