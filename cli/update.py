"""`fixby update`: the published data on exploitation is fetched, or taken from files, and kept beside the store.

Advisories of OSV are taken from files only.
"""

from collections.abc import Iterable, Sequence
from gzip import compress
from pathlib import Path
from typing import Final

from fixby.cli.advisories import Kept, archives, keep_all, proved
from fixby.cli.configuration import Configuration
from fixby.cli.output import emit, printable
from fixby.cli.place import Place, beside, writing
from fixby.errors import ReportError
from fixby.reports import published
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

KNOWN_ADDRESS: Final = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
# The feed that https://www.cisa.gov/known-exploited-vulnerabilities-catalog links to, by the schema beside it.
EPSS_ADDRESS: Final = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz"
# The daily scores that https://www.first.org/epss/data_stats links to.


def run(place: Place, source: Path | None, to: Path | None, *, as_json: bool) -> Catalogue:
    """Bring the data up to date, print what is in force now, and return it. Raises as `update` and `folder_of` do.

    Of a source with zips of OSV these are kept too; one with nothing else leaves the data on exploitation as it is.
    """
    found = place.configuration()
    folder = to or folder_of(found)
    zips = archives(source) if source else {}
    kept = proved(zips)
    if zips and not _is_on_exploitation(source):
        catalogue, changed = load(folder) if _is_on_exploitation(folder) else _NOTHING, 0
    else:
        catalogue = update(folder, source)
        changed = _rate(place, catalogue)
    keep_all(zips, to or beside(found, "advisories"))
    emit(published.written(_document(catalogue, changed, kept)) if as_json else _text(catalogue, folder, changed, kept))
    return catalogue


_NOTHING = Catalogue({}, "", {}, "", "")


def _is_on_exploitation(source: Path | None) -> bool:
    """Whether a source, unless it is one zip of advisories, has a file that `exploitation.load` takes."""
    if source is None or not source.is_dir():
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


def _document(catalogue: Catalogue, changed: int, kept: Sequence[Kept]) -> published.Document:
    return {
        "schema": "fixby.update/1",
        "known_exploited": {"date": catalogue.known_date or None, "count": len(catalogue.known)},
        "epss": {"date": catalogue.epss_date or None, "count": catalogue.scored},
        "advisories": [{"ecosystem": one.ecosystem, "count": one.count, "date": one.day} for one in kept],
        "findings_changed": changed,
    }


def _text(catalogue: Catalogue, folder: Path, changed: int, kept: Sequence[Kept]) -> str:
    known = _line("known exploited vulnerabilities", len(catalogue.known), catalogue.known_date)
    epss = _line("vulnerabilities with an EPSS score", catalogue.scored, catalogue.epss_date)
    advised = "".join(f"{one.count:,} advisories for {one.ecosystem}, as of {one.day}\n" for one in kept)
    return f"{known}\n{epss}\n{advised}kept in {printable(folder)}; {changed} open findings changed"


def _line(what: str, count: int, day: str) -> str:
    return f"{count:,} {what}, as of {day}" if day else f"no {what}: that file is not there"
