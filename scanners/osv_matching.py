"""Which packages a record of OSV concerns, by the evaluation that its schema defines (https://ossf.github.io/osv-schema).

A version is affected where a record lists it, or where one of its ranges takes it in. Ranges of commits (`GIT`) say
nothing about versions and are passed over. What cannot be evaluated is a doubt, never "not affected".
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cmp_to_key, lru_cache
from operator import itemgetter

from fixby.errors import ReportError
from fixby.scanners.ecosystems import Ecosystem, Point, ecosystem, release, semantic_point
from fixby.scanners.report import Record, child, each, has, text, texts


def packages(record: Record, concerned: Ecosystem) -> set[str]:
    """The names of an ecosystem's packages that a record is about, spelt the normal way. Raises `ReportError`."""
    return {concerned.spelt(text(package, "name")) for package, _ in _entries(record, concerned)}


def releases(record: Record, concerned: Ecosystem) -> set[str]:
    """The releases of a distribution that a record is about; none for other ecosystems. Raises `ReportError`."""
    if not concerned.released:
        return set()
    return {release(text(package, "ecosystem")) for package, _ in _entries(record, concerned)}


def entries(record: Record, concerned: Ecosystem, package: str, of_release: str = "") -> list[Record]:
    """The entries of a record for a package (spelt the normal way), in a release of a distribution that has some.

    An entry that names no release holds for all. Raises `ReportError` where the record is none of OSV.
    """
    return [
        entry
        for about, entry in _entries(record, concerned)
        if concerned.spelt(text(about, "name")) == package
        and (not concerned.released or release(text(about, "ecosystem")) in ("", of_release))
    ]


def verdict(record: Record, concerned: Ecosystem, package: str, version: str, of_release: str = "") -> tuple[bool, str]:
    """Whether a record affects a version, and, where no entry of it says so, why others could not be evaluated."""
    doubts = []
    for entry in entries(record, concerned, package, of_release):
        try:
            if _affects(entry, concerned, version):
                return True, ""
        except (ValueError, ReportError) as error:
            doubts.append(error.message if isinstance(error, ReportError) else str(error))
    return False, "; ".join(dict.fromkeys(doubts))


def fixed(entry: Record, concerned: Ecosystem | None) -> Iterator[str]:
    """The versions in which an entry says that it is fixed, in its order; of an ecosystem those that it can compare."""
    for span in _optional(entry, "ranges"):
        if text(span, "type") in _OF_VERSIONS:
            versions = (at for kind, at in _events(span) if kind == "fixed")
            yield from (at for at in versions if concerned is None or _readable(concerned, at))


_OF_VERSIONS = ("ECOSYSTEM", "SEMVER")


def _entries(record: Record, concerned: Ecosystem) -> Iterator[tuple[Record, Record]]:
    """The entries for an ecosystem, each with its package."""
    for entry in _optional(record, "affected"):
        if has(entry, "package") and ecosystem(text(child(entry, "package"), "ecosystem")) is concerned:
            yield child(entry, "package"), entry


def _affects(entry: Record, concerned: Ecosystem, version: str) -> bool:
    listed = texts(entry, "versions") if has(entry, "versions") else ()
    if version in listed:
        return True
    ranges = [span for span in _optional(entry, "ranges") if text(span, "type") in _OF_VERSIONS]
    if not (ranges or listed):
        raise ReportError("it has neither versions nor ranges of versions")
    base = concerned.point(concerned.base(version))
    if any(_same(base, _listed_point(concerned, other)) for other in listed):
        return True
    return any(_in_range(span, concerned, version) for span in ranges)


def _same(one: Point, other: Point | None) -> bool:
    return other is not None and not (one < other or other < one)


@lru_cache(maxsize=100_000)
def _listed_point(concerned: Ecosystem, version: str) -> Point | None:
    """A version that a record lists, its build left out; None where it cannot be read: as text it was compared."""
    try:
        return concerned.point(concerned.base(version))
    except ValueError:
        return None


def _in_range(span: Record, concerned: Ecosystem, version: str) -> bool:
    """OSV's algorithm: events in order of version switch "affected" on and off; beyond every limit nothing is."""
    point = semantic_point if text(span, "type") == "SEMVER" else concerned.point
    here, base = point(version), point(concerned.base(version))
    events = _events(span)
    affected = False
    for at, kind in _in_order(((kind, at) for kind, at in events if kind != "limit"), point):
        match kind:
            case "introduced":
                affected = affected or at is None or not here < at
            case "fixed":
                affected = affected and at is not None and here < at
            case "last_affected":
                affected = affected and at is not None and not at < base
            case _:
                raise ReportError("it has events of a kind that OSV does not define")
    limits = [at for kind, at in events if kind == "limit"]
    return affected and (not limits or any(limit == "*" or here < point(limit) for limit in limits))


def _events(span: Record) -> list[tuple[str, str]]:
    return [(kind, str(at)) for event in each(span, "events", dict.items) for kind, at in event]


def _in_order(events: Iterable[tuple[str, str]], point: Callable[[str], Point]) -> list[tuple[Point | None, str]]:
    """Events by version, None for the `0` that stands for before everything.

    At one version a fix comes first and the last affected comes last: their alphabetical order.
    """
    pairs = sorted(((None if at == "0" else point(at), kind) for kind, at in events), key=itemgetter(1))
    return sorted(pairs, key=cmp_to_key(_compared))


def _compared(one: tuple[Point | None, str], other: tuple[Point | None, str]) -> int:
    match one[0], other[0]:
        case None, at:
            return 0 if at is None else -1
        case _, None:
            return 1
        case here, at:
            return -1 if here < at else int(at < here)


def _readable(concerned: Ecosystem, version: str) -> bool:
    try:
        concerned.point(version)
    except ValueError:
        return False
    return True


def _optional(record: Record, key: str) -> list[Record]:
    return each(record, key, lambda part: part) if has(record, key) else []
