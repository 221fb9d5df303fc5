"""Advisories of OSV that lie on this machine: kept beside the store by `fixby update`, shown by `fixby advisories`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

from fixby.cli import place as here
from fixby.cli.configuration import Configuration, existing
from fixby.cli.output import emit
from fixby.cli.place import Place
from fixby.errors import FetchError, FixbyError, ReportError, UsageError
from fixby.reports import published
from fixby.reports.plain import safe
from fixby.scanners import advisories, osv_export
from fixby.scanners.ecosystems import ECOSYSTEMS, Ecosystem, ecosystem
from fixby.scanners.fetching import keep
from fixby.scanners.lockfiles.registry import is_read
from fixby.scanners.osv_export import Held
from fixby.scanners.osv_worker import ecosystems_of
from fixby.scanners.report import Record, child, each, has, optional_text, text
from fixby.scanners.scanner import KeptFolder
from fixby.scanners.target import target


@dataclass(frozen=True, slots=True)
class Kept:
    """The advisories of an ecosystem that are kept now."""

    ecosystem: str
    held: Held

    @property
    def day(self) -> str:
        """The UTC day of the newest change, `YYYY-MM-DD`."""
        return f"{self.held.modified:%Y-%m-%d}"


def kept_folder(found: Configuration) -> KeptFolder | None:
    """The folder beside the store that holds advisories, or None. Raises `StoreError` where git tracks any of it."""
    if "://" in found.store:
        return None
    folder = here.beside(found, "advisories")
    if not folder.is_dir():
        return None
    here.refuse_tracked(folder)
    return KeptFolder(folder, here.now() - found.advisories_max_age)


def archives(source: Path) -> dict[Ecosystem, Path]:
    """The zips of OSV at a path, by ecosystem: the path itself, or those below it. Those of a release are not taken."""
    if source.is_dir():
        found = ((one, advisories.archives(source, one, whole=False)) for one in ECOSYSTEMS)
        return {one: files[0] for one, files in found if files}
    concerned = advisories.ecosystem_of(source)
    return {concerned: source} if concerned else {}


def proved(files: Mapping[Ecosystem, Path]) -> list[Kept]:
    """What zips hold. Raises `ReportError` where one is damaged in any part, or holds nothing of its ecosystem."""
    return [Kept(concerned.name, osv_export.proved(file, concerned)) for concerned, file in files.items()]


def keep_all(files: Mapping[Ecosystem, Path], folder: Path) -> None:
    """Replace an ecosystem's advisories in a folder by those of a zip, laid out as OSV publishes them."""
    for concerned, file in files.items():
        keep(osv_export.archive_of(folder, concerned), file.read_bytes())


def named(names: Iterable[str]) -> list[Ecosystem]:
    """The ecosystems of these names. Raises `UsageError` for one that is unknown."""
    found = {name: ecosystem(name) for name in names}
    for name, one in found.items():
        if one is None:
            known = ", ".join(one.name for one in ECOSYSTEMS)
            raise UsageError(f"--ecosystem: there is none called {name!r}.", f"Known are: {known}.")
    return [one for one in found.values() if one]


def needed(place: Place, found: Configuration, folder: Path) -> list[Ecosystem]:
    """The ecosystems whose packages the lock files of a place name, and those of which a folder keeps advisories."""
    looked = target(place.path, found.exclude)
    named_there = ecosystems_of(looked.root, filter(is_read, looked.files))
    return [one for one in ECOSYSTEMS if one.name in named_there or osv_export.archive_of(folder, one).is_file()]


def bring_all(some: Iterable[Ecosystem], folder: Path, address: str) -> tuple[list[Kept], list[FixbyError]]:
    """Fetch what changed of the advisories of ecosystems, each by itself; what is kept then, and what went wrong."""
    kept: list[Kept] = []
    problems: list[FixbyError] = []
    for concerned in some:
        try:
            kept.append(Kept(concerned.name, osv_export.bring(concerned, folder, address, here.now())))
        except (FetchError, ReportError) as error:
            problems.append(error)
    return kept, problems


def run_show(place: Place, name: str, given: Path | None, *, as_json: bool) -> None:
    """Show the advisories that have a name, withdrawn ones too. Raises `UsageError` where there is none."""
    found = place.configuration()
    kept = None if given or found.advisories else kept_folder(found)
    data = existing(given, "--advisories") if given else found.advisories or (kept.path if kept else None)
    if data is None:
        raise UsageError("There are no advisories at hand.", "Name some with --advisories, or take them: fixby update.")
    records = advisories.named(data, name)
    if not records:
        raise UsageError(f"There is no advisory {name!r} in {data}.", "Any alias will do, as in CVE-2020-8203.")
    if as_json:
        shown = [_document(record, records) for record in records]
        emit(published.written({"schema": "fixby.advisories/1", "advisories": shown}))
    else:
        emit("\n\n".join("\n".join(_lines(record, records)) for record in records))


def _document(record: Record, group: Iterable[Record]) -> published.Document:
    severity, source = advisories.severity_of(one for one in group if one is record or not has(one, "withdrawn"))
    return {
        "id": text(record, "id"),
        "aliases": sorted(set(advisories.names_of(record)[1:])),
        "summary": optional_text(record, "summary"),
        "details": optional_text(record, "details"),
        "severity": str(severity),
        "severity_source": str(source),
        "modified": text(record, "modified"),
        "withdrawn": optional_text(record, "withdrawn") or None,
        "references": _links(record),
        "affected": [
            {"ecosystem": where, "package": package, "fixed_versions": list(fixed)}
            for (where, package), fixed in _affected(record).items()
        ],
    }


def _lines(record: Record, group: Iterable[Record]) -> Iterator[str]:
    document = _document(record, group)
    yield safe(f"{document['id']}  {document['summary']}".rstrip())
    yield safe(f"aliases    {', '.join(document['aliases']) or 'none'}")
    yield f"severity   {document['severity']}"
    yield safe(f"modified   {document['modified']}")
    if document["withdrawn"]:
        yield safe(f"withdrawn  {document['withdrawn']}")
    for part in document["affected"]:
        fixes = f"fixed in {', '.join(part['fixed_versions'])}" if part["fixed_versions"] else "no fix is told"
        yield safe(f"affects    {part['package']} ({part['ecosystem']}): {fixes}")
    for link in document["references"]:
        yield safe(f"see        {link}")
    if document["details"]:
        yield ""
        yield indent("\n".join(safe(line) for line in document["details"].splitlines()), "  ")


def _links(record: Record) -> list[str]:
    return each(record, "references", lambda link: text(link, "url")) if has(record, "references") else []


def _affected(record: Record) -> dict[tuple[str, str], tuple[str, ...]]:
    """The fixed versions by ecosystem and package."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for entry in each(record, "affected", lambda entry: entry) if has(record, "affected") else []:
        if has(entry, "package"):
            package = child(entry, "package")
            key = (text(package, "ecosystem"), text(package, "name"))
            found[key] = tuple(dict.fromkeys((*found.get(key, ()), *advisories.fixed_in(entry))))
    return found
