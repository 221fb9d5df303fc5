"""The process that reads what names packages and matches it against advisories, both of which others wrote.

The plan is a JSON object: `advisories` (a path, or null), `oldest` (the UTC second from before which advisories that an
update left are too old, or null for others), and either `root` and `files` (lock files, relative to it) or `bill` (the
path of Syft's description of an image), `image` (its name) and `today` (`YYYY-MM-DD`).

The report on standard output is one too: `scanned` files, what is `unread` and why (by file or `file#package`),
`problems` of the advisories and of the image, and each of the `packages` with its places and the `advisories` that
concern it.

Run as `python -I -m fixby.scanners.osv_worker PLAN`.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cmp_to_key
from pathlib import Path

from fixby.errors import FixbyError
from fixby.scanners import advisories, syft_bill
from fixby.scanners.advisories import Advisories
from fixby.scanners.ecosystems import Ecosystem, Point, ecosystem, release
from fixby.scanners.files import open_regular
from fixby.scanners.lockfiles.lockfile import Item, Package
from fixby.scanners.lockfiles.registry import LARGEST, read
from fixby.scanners.osv import FORMAT
from fixby.scanners.osv_export import Held, held
from fixby.scanners.report import Record, optional_text, text


def main() -> None:
    """Match what the plan names and print the report."""
    plan = json.loads(Path(sys.argv[1]).read_bytes())
    data = Path(plan["advisories"]) if plan["advisories"] else None
    try:
        found = (
            report_of_image(plan, data, plan["oldest"])
            if "bill" in plan
            else report(Path(plan["root"]), plan["files"], data, plan["oldest"])
        )
    except FixbyError as error:
        sys.exit(error.message)
    print(json.dumps(found))  # noqa: T201 - this is its report


def report(root: Path, files: Iterable[str], data: Path | None, oldest: int | None = None) -> Record:
    """What the lock files below a folder name and the advisories at a path say of it."""
    told = _Told()
    for path in files:
        try:
            found = read(path, _content(root / path))
        except (OSError, FixbyError) as error:
            told.unread[path] = f"cannot be read: {_said(error)}"
            continue
        told.scanned.append(path)
        told.take((path, item) for item in found)
    return told.report(data, oldest)


def report_of_image(plan: Record, data: Path | None, oldest: int | None = None) -> Record:
    """What Syft's description of an image names and the advisories at a path say of it. Raises `ReportError`."""
    bill = syft_bill.read(Path(text(plan, "bill")).read_bytes(), text(plan, "image"), text(plan, "today"))
    told = _Told(dict(bill.unread))
    told.take(bill.items)
    return told.report(data, oldest, bill.problems)


@dataclass(slots=True)
class _Told:
    """What was read: the files, what of them cannot be matched and why, and the packages of each ecosystem."""

    unread: dict[str, str] = field(default_factory=dict)
    scanned: list[str] = field(default_factory=list)
    packages: dict[str, list["_Place"]] = field(default_factory=dict)

    def take(self, items: Iterable[tuple[str, Item]]) -> None:
        """Note what stands in each place."""
        for path, item in items:
            if isinstance(item, Package):
                self.packages.setdefault(item.ecosystem.partition(":")[0], []).append(_Place(path, item))
            else:
                self.unread[f"{path}#{item.name}" if item.name else path] = item.reason

    def report(self, data: Path | None, oldest: int | None, problems: Iterable[str] = ()) -> Record:
        """Match it all."""
        matched = _Matched(self.unread, oldest, list(problems))
        for name, places in sorted(self.packages.items()):
            matched.take(name, places, data)
        return {
            "format": FORMAT,
            "scanned": self.scanned,
            "unread": self.unread,
            "problems": list(dict.fromkeys(matched.problems)),
            "packages": matched.rows,
        }


@dataclass(frozen=True, slots=True)
class _Place:
    path: str
    package: Package

    @property
    def unit(self) -> str:
        return f"{self.path}#{component_name(self.package)}"


def component_name(package: Package) -> str:
    """What a package is called in findings: a namespace stands before a slash, as in package URLs."""
    concerned = ecosystem(package.ecosystem)
    if concerned is None:
        return package.name
    if concerned.namespace:
        return f"{concerned.namespace}/{package.name}"
    return package.name.replace(":", "/") if concerned.purl_type == "maven" else concerned.spelt(package.name)


def ecosystems_of(root: Path, files: Iterable[str]) -> set[str]:
    """The names of the ecosystems whose packages lock files below a folder name; what cannot be read names none."""
    found: set[str] = set()
    for path in files:
        with suppress(OSError, FixbyError):
            items = read(path, _content(root / path))
            found |= {item.ecosystem.partition(":")[0] for item in items if isinstance(item, Package)}
    return found


def _content(file: Path) -> bytes:
    with open_regular(file) as opened:
        content = bytearray()
        while len(content) <= LARGEST and (part := opened.read(1 << 20)):
            content += part
    return bytes(content)


def _said(error: OSError | FixbyError) -> str:
    return error.message if isinstance(error, FixbyError) else error.strerror or str(error)


@dataclass(slots=True)
class _Matched:
    """What was matched so far: reasons by unit for what could not be, problems of the advisories, and rows."""

    unread: dict[str, str]
    oldest: int | None = None
    problems: list[str] = field(default_factory=list)
    rows: list[Record] = field(default_factory=list)

    def take(self, name: str, places: list[_Place], data: Path | None) -> None:
        """Match all packages of one ecosystem. Its advisories are let go before those of the next are loaded."""
        concerned = ecosystem(name)
        if concerned is None:
            self._leave(places, f"there are no rules for the versions of {name}")
            return
        wanted = {concerned.spelt(_asked(place.package)[0]) for place in places}
        try:
            known = advisories.load(data, concerned, wanted) if data else _NOTHING
        except FixbyError as error:
            self._leave(places, _said(error))
            return
        if not known.count:
            self._leave(places, f"there are no advisories for {name}: give some by --advisories or fixby update")
            return
        self.problems += [*known.problems, *self._too_old(data, known)]
        self._leave_unknown_releases(known, places)
        for package, where in _together(places).items():
            self._match(known, package, where)

    def _too_old(self, data: Path | None, known: Advisories) -> Iterator[str]:
        if data is None or self.oldest is None or known.modified is None:
            return
        kept = held(data, known.concerned) or Held(known.count, known.modified)
        if kept.as_of < self.oldest:
            day, first = (f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}" for at in (kept.as_of, self.oldest))
            yield f"the advisories for {known.concerned.name} are of {day}, too old before {first}: fixby update"

    def _leave_unknown_releases(self, known: Advisories, places: Iterable[_Place]) -> None:
        """Say of which releases of a distribution nobody publishes anything: none of their packages is clean."""
        by_release: dict[str, list[_Place]] = {}
        for place in places if known.concerned.released else ():
            by_release.setdefault(place.package.ecosystem, []).append(place)
        for name, some in by_release.items():
            if release(name) and release(name) not in known.releases:
                self._leave(some, f"there are no advisories for {name} at hand")

    def _leave(self, places: Iterable[_Place], reason: str) -> None:
        """Give up the places of packages, and say how many packages that is."""
        some = list(places)
        number = len({place.package for place in some})
        name = " ".join(filter(None, some[0].package.ecosystem.split(":", 1)))
        counted = f"{number} {name} package{'' if number == 1 else 's'}: {reason}"
        self.unread |= {place.path: counted for place in some if place.path not in self.unread}

    def _match(self, known: Advisories, package: Package, where: list[_Place]) -> None:
        of_release = release(package.ecosystem)
        if known.concerned.released and not of_release:
            self.unread |= {place.unit: "it is not said of which release of its distribution it is" for place in where}
            return
        name, version = _asked(package)
        matches = advisories.matching(known, name, version, of_release)
        if matches.doubts:
            self.unread |= {place.unit: "; ".join(matches.doubts) for place in where}
        self.rows.append(
            {
                "ecosystem": known.concerned.name,
                "name": component_name(package),
                "version": package.version,
                "places": [[place.path, place.package.line] for place in where],
                "withdrawn": sorted(advisories.withdrawn(known, name)),
                "advisories": [_row(known, one, name, version, of_release) for one in matches.records],
            }
        )


_NOTHING = Advisories()


def _asked(package: Package) -> tuple[str, str]:
    """The name and version by which advisories speak of a package."""
    return package.source or (package.name, package.version)


def _together(places: Iterable[_Place]) -> Mapping[Package, list[_Place]]:
    """The places of each package, each place's line left out of what makes packages the same."""
    found: dict[Package, list[_Place]] = {}
    for place in places:
        one = place.package
        found.setdefault(Package(one.ecosystem, one.name, one.version, None, one.source), []).append(place)
    return found


def _row(known: Advisories, record: Record, name: str, version: str, of_release: str) -> Record:
    advice = advisories.advice(known, record)
    fixed = advisories.fixed_versions(known, record, name, of_release)
    return {
        **asdict(advice),
        "id": text(record, "id"),
        "names": sorted(set(advisories.names_of(record))),
        "details": optional_text(record, "details"),
        "fixed": fixed,
        "upgrade": next(_later(known.concerned, version, fixed), ""),
    }


def _later(concerned: Ecosystem, version: str, fixed: Iterable[str]) -> Iterator[str]:
    """The fixed versions above a version, the smallest first; nothing where it cannot be read."""
    try:
        here = concerned.point(version)
    except ValueError:
        return
    above = [(point, one) for point, one in ((concerned.point(one), one) for one in fixed) if here < point]
    yield from (one for _, one in sorted(above, key=cmp_to_key(_compared)))


def _compared(one: tuple[Point, str], other: tuple[Point, str]) -> int:
    return -1 if one[0] < other[0] else int(other[0] < one[0])


if __name__ == "__main__":
    main()
