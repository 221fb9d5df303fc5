"""Which observations of a scan are findings that are known: by identity, by what became of code, by shared names."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from typing import TypeVar

from fixby.finding import Category, Finding
from fixby.identity import MERGED, PACKAGES, package_and_place
from fixby.known import Known, Memory, Observed, Presence
from fixby.matching import Circumstances, Reason, Trace, match
from fixby.scan import Scan


@dataclass(frozen=True, slots=True)
class Recognised:
    """A finding that is known, the observation that is the same, and why."""

    known: Known
    observed: Observed
    reason: Reason


@dataclass(slots=True)
class Recognition:
    """What of a scan is known: the pairs, the open findings that nothing was recognised as, and what is new.

    `traces` are of the findings that had no observation of their identity, by id. `merged` has the findings
    that turned out to be another, with that one; `origins` has, by the identity of what is new, the finding that it was
    part of until now.
    """

    pairs: list[Recognised] = field(default_factory=list)
    lost: list[Known] = field(default_factory=list)
    new: list[Observed] = field(default_factory=list)
    traces: dict[str, Trace] = field(default_factory=dict)
    merged: list[tuple[Known, Known]] = field(default_factory=list)
    origins: dict[str, Known] = field(default_factory=dict)


HasLeft = Callable[[Known, Trace | None], bool]
"""Whether a finding is gone for certain from where it was."""


def outline_digest(outline: bytes) -> str:
    """The name of an outline: 16 hexadecimal digits, or nothing for none."""
    return sha256(outline).hexdigest()[:16] if outline else ""


def recognise(
    scan: Scan, observed: Iterable[Observed], known: Iterable[Known], memory: Memory, has_left: HasLeft
) -> Recognition:
    """What of a scan is known; `known` are the open findings of the asset."""
    found = _by_identity(scan, observed, known)
    said = memory.said([one.id for one in found.lost if _is_seen(one, scan.scanner) or one.category in PACKAGES])
    _by_code(found, said, scan, memory, has_left)
    _by_names(found, {id_: finding for id_, finding in said.items() if finding.component}, memory, has_left)
    return found


def _by_identity(scan: Scan, observed: Iterable[Observed], known: Iterable[Known]) -> Recognition:
    """Pass 1: what has the same identity. Of several alike only those are told apart here whose file is as it was."""
    olds, news = _grouped(known), _grouped(observed)
    digest = cache(lambda path: outline_digest(scan.outlines.get(path, b"")))
    found = Recognition()
    for identity, some in olds.items():
        if identity not in news:
            found.lost += some
        elif len(some) == len(news[identity]) == 1:
            found.pairs.append(Recognised(some[0], news.pop(identity)[0], Reason.EXACT))
        else:
            news[identity] = _unchanged(found, some, news[identity], scan.scanner, digest)
    found.new += (one for some in news.values() for one in some)
    return found


_Identified = TypeVar("_Identified", Known, Observed)


def _grouped(some: Iterable[_Identified]) -> dict[str, list[_Identified]]:
    groups: dict[str, list[_Identified]] = {}
    for one in some:
        groups.setdefault(one.identity, []).append(one)
    return groups


def _unchanged(
    found: Recognition, olds: Sequence[Known], news: Sequence[Observed], scanner: str, digest: Callable[[str], str]
) -> list[Observed]:
    """Pair what a scanner says word for word of files that are as they were; the rest of the observations is left."""
    there: dict[tuple[str, str], list[Observed]] = {}
    for new in news:
        there.setdefault((new.details, digest(new.finding.path)), []).append(new)
    for old in olds:
        sighting = old.sightings.get(scanner)
        same = there.get((sighting.details, sighting.outline)) if sighting and sighting.outline else None
        if same:
            found.pairs.append(Recognised(old, same.pop(0), Reason.EXACT))
        else:
            found.lost.append(old)
    return [new for some in there.values() for new in some]


def _by_code(found: Recognition, said: Mapping[str, Finding], scan: Scan, memory: Memory, has_left: HasLeft) -> None:
    """Passes 2 and 3: what stands in code, and was moved, renamed or edited."""
    olds = {one.id: one for one in found.lost if _is_seen(one, scan.scanner)}
    found.traces = {
        id_: _trace(id_, said[id_], memory.outline(one.sightings[scan.scanner].outline)) for id_, one in olds.items()
    }
    before = [trace for id_, trace in found.traces.items() if olds[id_].category not in _NOT_IN_CODE]
    news = {str(n): one for n, one in enumerate(found.new) if one.finding.category not in _NOT_IN_CODE}
    if not before or not news:
        return
    now = [_trace(key, one.finding, scan.outlines.get(one.finding.path, b"")) for key, one in news.items()]
    matching = match(before, now, _circumstances(found, now, scan, memory, has_left))
    _settle(found, [(olds[pair.before.key], news[pair.now.key], pair.reason) for pair in matching.pairs])


_NOT_IN_CODE = MERGED | {Category.HEADERS}


def _is_seen(known: Known, scanner: str) -> bool:
    return scanner in known.sightings and known.sightings[scanner].presence is not Presence.GONE


def _trace(key: str, finding: Finding, outline: bytes) -> Trace:
    rule = finding.rule.id
    if not finding.locations:
        return Trace(key, rule, "", finding.code)
    place = finding.locations[0]
    line, last_line = place.line or 0, place.end_line or place.line or 0
    return Trace(key, rule, place.path, finding.code, line, last_line, place.column or 0, outline)


def _circumstances(
    found: Recognition, now: Iterable[Trace], scan: Scan, memory: Memory, has_left: HasLeft
) -> Circumstances:
    lost = {known.id: known for known in found.lost}
    left = cache(lambda id_: has_left(lost[id_], found.traces[id_]))
    looked = memory.looked(None)
    return Circumstances(
        vanished={old.path for id_, old in found.traces.items() if old.path not in scan.coverage.scanned and left(id_)},
        appeared={new.path for new in now if new.path not in looked},
        has_left=lambda trace: left(trace.key),
        renamed_rules=scan.renamed_rules,
    )


def _settle(found: Recognition, some: Collection[tuple[Known, Observed, Reason]]) -> None:
    """Take what was recognised from what is lost and new."""
    known, observed = {old.id for old, _, _ in some}, {id(new) for _, new, _ in some}
    found.pairs += (Recognised(*one) for one in some)
    found.lost = [one for one in found.lost if one.id not in known]
    found.new = [one for one in found.new if id(one) not in observed]


def _by_names(found: Recognition, lost: Mapping[str, Finding], memory: Memory, has_left: HasLeft) -> None:
    """Vulnerable packages of which more or fewer names are known now, or whose manifest was moved."""
    if lost:
        _join(found, lost)
    if any(one.finding.component for one in found.new):
        _follow_manifests(found, lost, has_left)
        _find_origins(found, memory)


def _names(finding: Finding) -> list[tuple[str, str, str]]:
    """A vulnerability in a package, in a place, by each of its names."""
    names = finding.identifiers.names or (finding.rule.id,)
    return [(*package_and_place(finding), name) for name in names] if finding.component else []


def _join(found: Recognition, lost: Mapping[str, Finding]) -> None:
    """Findings that share a name with one observation are one: the oldest that nobody dismissed."""
    observations = [*(one.observed for one in found.pairs), *found.new]
    there = {name: one for one in observations for name in _names(one.finding)}
    claims: dict[str, list[Known]] = {}
    for old in found.lost:
        shared = [there[name].identity for name in (_names(lost[old.id]) if old.id in lost else ()) if name in there]
        if shared:
            claims.setdefault(max(sorted(set(shared)), key=shared.count), []).append(old)
    for one in observations:
        if one.identity in claims:
            _claim(found, one, claims[one.identity], lost)


def _claim(found: Recognition, observed: Observed, some: Sequence[Known], lost: Mapping[str, Finding]) -> None:
    paired = [pair for pair in found.pairs if pair.observed is observed]
    first, *others = sorted((*some, *(pair.known for pair in paired)), key=_seniority)
    found.merged += [(other, first) for other in others]
    if paired and paired[0].known is first:
        observed_as, reason = observed, paired[0].reason
    else:
        says_more = set(_names(observed.finding)) > set(_names(lost[first.id]))
        observed_as, reason = observed if says_more else replace(observed, identity=first.identity), Reason.NAMES
    found.pairs = [*(pair for pair in found.pairs if pair not in paired), Recognised(first, observed_as, reason)]
    found.lost = [one for one in found.lost if one not in some]
    found.new = [one for one in found.new if one is not observed]


def _seniority(known: Known) -> tuple[bool, int, str]:
    return (known.is_dismissed, known.started_at, known.id)


def _follow_manifests(found: Recognition, lost: Mapping[str, Finding], has_left: HasLeft) -> None:
    """Pair what is gone from one manifest with what appeared in another, of the same name if there is one."""
    left: dict[tuple[str, str], dict[str, Known]] = {}
    for old in found.lost:
        if old.id in lost and has_left(old, None):
            for package, _, name in _names(lost[old.id]):
                left.setdefault((package, name), {})[old.id] = old
    if not left:
        return
    pairs: dict[str, tuple[Known, Observed, Reason]] = {}
    for new in sorted(found.new, key=lambda one: (one.finding.path, one.identity)):
        same = {
            id_: old
            for package, _, name in _names(new.finding)
            for id_, old in left.get((package, name), {}).items()
            if id_ not in pairs
        }
        if same:
            file = _file_name(new.finding.path)
            best = min(same, key=lambda id_: (_file_name(lost[id_].path) != file, lost[id_].path, id_))
            pairs[best] = (same[best], new, Reason.RENAMED)
    _settle(found, list(pairs.values()))


def _file_name(path: str) -> str:
    return path.rpartition("/")[2]


def _find_origins(found: Recognition, memory: Memory) -> None:
    """What is new and bears a name of a finding that goes on without it was part of that one."""
    known = {pair.known.id: pair.known for pair in found.pairs if pair.observed.finding.component}
    before = {name: known[id_] for id_, finding in memory.said(known.keys()).items() for name in _names(finding)}
    for new in found.new if before else ():
        origin = next((before[name] for name in _names(new.finding) if name in before), None)
        if origin:
            found.origins[new.identity] = origin
