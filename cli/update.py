"""`fixby update`: what is published on exploitation and OSV's advisories: fetched, or taken from files, and kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from gzip import compress
from pathlib import Path
from typing import Final

from fixby.cli.advisories import Kept, archives, bring_all, keep_all, named, needed, proved
from fixby.cli.configuration import Configuration
from fixby.cli.output import emit, note, printable
from fixby.cli.place import Place, beside, writing
from fixby.errors import ExitCode, FetchError, FixbyError, ReportError
from fixby.reports import published
from fixby.reports.plain import safe
from fixby.scanners.exploitation import (
    EPSS_FILE,
    KNOWN_FILE,
    MOST_BYTES,
    PACKED,
    Catalogue,
    content_of,
    files,
    load,
    read_epss,
    read_known,
    unpacked,
)
from fixby.scanners.fetching import fetch, keep
from fixby.scanners.osv_export import ADDRESS
from fixby.store.opening import make_folder

KNOWN_ADDRESS: Final = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
# The feed that https://www.cisa.gov/known-exploited-vulnerabilities-catalog links to, by the schema beside it.
EPSS_ADDRESS: Final = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz"
# The daily scores that https://www.first.org/epss/data_stats links to.


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be brought up to date: from files at `source`, else fetched; kept in `to`, else beside the store.

    `ecosystems` are names that OSV gives; none stands for those that are needed here. `address` is where advisories are
    published, empty for what the configuration says.
    """

    source: Path | None = None
    to: Path | None = None
    ecosystems: tuple[str, ...] = ()
    address: str = ""


def run(place: Place, wish: Wish, *, as_json: bool) -> ExitCode:
    """Bring the data up to date and print what is in force now; exit 3 where some of it could not be fetched.

    Raises as `update` and `folder_of` do. Of a source with zips of OSV these are kept too; one with nothing else leaves
    the data on exploitation as it is.
    """
    found = place.configuration()
    folder, advised = wish.to or folder_of(found), wish.to or beside(found, "advisories")
    some = named(wish.ecosystems)
    if wish.to is None:
        make_folder(folder.parent)
    if wish.source:
        news = _taken(wish.source, folder, advised)
    else:
        news = _on_exploitation(folder)
        address = (wish.address or found.advisories_url or ADDRESS).rstrip("/")
        news.kept, problems = bring_all(some or needed(place, found, advised), advised, address)
        news.problems += problems
    changed = _rate(place, news.catalogue) if news.is_new else 0
    emit(published.written(_document(news, changed)) if as_json else _text(news, folder, changed))
    for error in news.problems:
        note(f"fixby: {safe(error.message)}\n       {safe(error.hint)}")
    return ExitCode.CANNOT_TELL if news.problems else ExitCode.DONE


@dataclass(slots=True)
class _News:
    """What is in force on exploitation and whether it was got just now, the advisories got, and what went wrong."""

    catalogue: Catalogue
    is_new: bool = True
    kept: Sequence[Kept] = ()
    problems: list[FixbyError] = field(default_factory=list)


def _taken(source: Path, folder: Path, advised: Path) -> _News:
    """Take what files hold."""
    zips = archives(source)
    kept = proved(zips)
    if zips and not _is_on_exploitation(source):
        news = _News(_in_force(folder), is_new=False, kept=kept)
    else:
        news = _News(update(folder, source), kept=kept)
    keep_all(zips, advised)
    return news


def _on_exploitation(folder: Path) -> _News:
    """Fetch the data on exploitation."""
    try:
        return _News(update(folder))
    except (FetchError, ReportError) as error:
        return _News(_in_force(folder), is_new=False, problems=[error])


def _in_force(folder: Path) -> Catalogue:
    return load(folder) if _is_on_exploitation(folder) else _NOTHING


_NOTHING = Catalogue({}, "", {}, "", "")


def _is_on_exploitation(source: Path) -> bool:
    """Whether a folder has a file that `exploitation.load` takes."""
    if not source.is_dir():
        return False
    return (source / KNOWN_FILE).exists() or any(source.glob("epss_scores-*.csv*"))


def _rate(place: Place, catalogue: Catalogue) -> int:
    """Rate what the store holds, if there is one; how many findings that changed."""
    from fixby.cli.exploitation import rate_all  # noqa: PLC0415 - it needs `folder_of`

    found = place.configuration()
    if "://" not in found.store and not Path(found.store).exists():
        return 0
    with writing(found) as database:
        return rate_all(database, catalogue)


def folder_of(found: Configuration) -> Path:
    """The folder beside the store where the data is kept. Raises `UsageError` where there can be none."""
    return beside(found, "exploitation")


def update(
    folder: Path, source: Path | None = None, addresses: tuple[str, str] = (KNOWN_ADDRESS, EPSS_ADDRESS)
) -> Catalogue:
    """Replace the files of a folder by those of the publishers, or of a source; returns what the folder then holds.

    `source` is a file (the catalogue is named `*.json`) or a folder, as `exploitation.load` takes it. Nothing is
    replaced before all that was got is proved. Raises `FetchError`, `ReportError`, or `UsageError` for a wrong source.
    """
    got = [(file, content_of(file.resolve())) for file in _files(source)] if source else _fetched(addresses)
    for name, content in [_proved(content, str(place)) for place, content in got]:
        keep(folder / name, content)
    return load(folder)


def _fetched(addresses: Iterable[str]) -> list[tuple[str, bytes]]:
    return [(address, fetch(address, MOST_BYTES)) for address in addresses]


def _files(source: Path) -> Iterable[Path]:
    return filter(None, files(source)) if source.is_dir() else (source,)


def _proved(content: bytes, place: str) -> tuple[str, bytes]:
    """The name under which a content is kept, and as what, if it is whole."""
    try:
        if place.endswith(".json"):
            read_known(content)
            return KNOWN_FILE, unpacked(content)
        read_epss(content)
        return EPSS_FILE, content if content.startswith(PACKED) else compress(content, mtime=0)
    except ReportError as error:
        raise ReportError(f"{place}: {error.message}", "What was kept before is kept.") from error


def _document(news: _News, changed: int) -> published.Document:
    catalogue = news.catalogue
    return {
        "schema": "fixby.update/1",
        "known_exploited": {"date": catalogue.known_date or None, "count": len(catalogue.known)},
        "epss": {"date": catalogue.epss_date or None, "count": catalogue.scored},
        "advisories": [
            {
                "ecosystem": one.ecosystem,
                "count": one.held.count,
                "date": one.day,
                "asked_at": published.instant(one.held.asked_at),
            }
            for one in news.kept
        ],
        "findings_changed": changed,
        "problems": [error.message for error in news.problems],
    }


def _text(news: _News, folder: Path, changed: int) -> str:
    catalogue = news.catalogue
    known = _line("known exploited vulnerabilities", len(catalogue.known), catalogue.known_date)
    epss = _line("vulnerabilities with an EPSS score", catalogue.scored, catalogue.epss_date)
    advised = "".join(f"{one.held.count:,} advisories for {one.ecosystem}, as of {one.day}\n" for one in news.kept)
    return f"{known}\n{epss}\n{advised}kept in {printable(folder)}; {changed} open findings changed"


def _line(what: str, count: int, day: str) -> str:
    return f"{count:,} {what}, as of {day}" if day else f"no {what}: that file is not there"
