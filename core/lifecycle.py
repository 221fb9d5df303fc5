"""What a scan changes about the findings that are known."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fixby.closing import Judge, in_scope, judge, units
from fixby.identity import occurrence_id
from fixby.known import Known, Memory, Observed, Presence, Sighting
from fixby.matching import Trace
from fixby.recognition import Recognised, recognise
from fixby.scan import Failed, Scan


class Change(StrEnum):
    """What happens to a finding; the values are the kinds of events in the log."""

    DETECTED = "finding.detected"
    SIGHTED = "finding.sighted"
    CHANGED = "finding.changed"
    CARRIED = "finding.carried"
    """It was recognised though it is no longer what it was."""
    OBSERVED = "finding.observed"
    NOT_OBSERVED = "finding.not_observed"
    UNSIGHTED = "finding.unsighted"
    MERGED = "finding.merged"
    """It turned out to be another that is known."""
    FIXED = "finding.fixed"
    WITHDRAWN = "finding.withdrawn"
    """Who published the vulnerability said that it is none: it is closed, and was not fixed."""
    REOPENED = "finding.reopened"


@dataclass(slots=True)
class Step:
    """One change of one finding. `observed` is set where the change brings details, `reason` where it needs one.

    `units` are those in which the finding stands, or stood where it vanished. `occurrence` is set for a new finding,
    `previous` for one that came back for good. `kin` are the ids of those whose clocks count for it too: the finding
    that it was part of until now, or those that turned out to be the same.
    """

    change: Change
    id: str
    units: tuple[str, ...]
    observed: Observed | None = None
    reason: str = ""
    occurrence: int = 1
    previous: str = ""
    kin: tuple[str, ...] = ()


def changes(
    scan: Scan, observed: Sequence[Observed], known: Sequence[Known], memory: Memory, regression_window: int
) -> list[Step]:
    """The steps that a scan makes of what is known, in order of id.

    `observed` are the scan's findings, those of one identity in order of place; `known` are all of the asset, in order
    of id; `regression_window` is in seconds. A failed scan changes nothing.
    """
    if isinstance(scan.outcome, Failed):
        return []
    still_open = [one for one in known if one.closed_at is None]
    judged = judge(scan, memory, still_open)

    def why_not_fixed(one: Known, trace: Trace | None) -> str:
        return judged.why_not_fixed(one, one.sightings[scan.scanner], trace)

    def has_left(one: Known, trace: Trace | None) -> bool:
        return _may_see(scan, one) and not why_not_fixed(one, trace)

    found = recognise(scan, observed, still_open, memory, has_left)
    absorbed = _absorbed(found.merged)
    steps = [step for pair in found.pairs for step in _seen(judged, pair, absorbed.get(pair.known.id, ()))]
    steps += [step for one, other in found.merged for step in _merged(scan.scanner, one, other)]
    for one in found.lost:
        if _may_see(scan, one):
            withdrawn = judged.withdrawn(one, one.sightings[scan.scanner]) if scan.withdrawn else ""
            reason = "" if withdrawn else why_not_fixed(one, found.traces.get(one.id))
            steps += _unseen(scan.scanner, one, reason, withdrawn)
    steps += _new(scan, found.new, known, found.origins, regression_window)
    return sorted(steps, key=lambda step: step.id)


def _presence(known: Known, scanner: str) -> Presence:
    return known.sightings[scanner].presence if scanner in known.sightings else Presence.GONE


def _absorbed(merged: Iterable[tuple[Known, Known]]) -> dict[str, tuple[str, ...]]:
    """The ids of the findings that turned out to be another, by the id of that one."""
    found: dict[str, tuple[str, ...]] = {}
    for one, other in merged:
        found[other.id] = (*found.get(other.id, ()), one.id)
    return found


def _seen(judged: Judge, pair: Recognised, absorbed: tuple[str, ...]) -> Iterator[Step]:
    before, now = pair.known, pair.observed
    sighting = before.sightings.get(judged.scan.scanner)
    where = units(now.finding)
    if (sighting is None or sighting.presence is Presence.GONE) and not absorbed:
        yield Step(Change.SIGHTED, before.id, where, now)
        return
    where += _unsettled(judged, sighting, where) if sighting else ()
    if before.identity != now.identity or absorbed:
        yield Step(Change.CARRIED, before.id, where, now, str(pair.reason), kin=absorbed)
    elif sighting is None or sighting.details != now.details or sighting.units != where:
        yield Step(Change.CHANGED, before.id, where, now)
    elif sighting.presence is Presence.NOT_OBSERVED:
        yield Step(Change.OBSERVED, before.id, where)


def _unsettled(judged: Judge, sighting: Sighting, where: tuple[str, ...]) -> tuple[str, ...]:
    """The other units of a finding that stood in several, as far as it is not proved to have gone from them."""
    others = [unit for unit in sighting.units if unit not in where]
    return tuple(unit for unit in others if judged.why_not_gone(unit, sighting.last_scan))


def _merged(scanner: str, before: Known, other: Known) -> Iterator[Step]:
    change = Change.UNSIGHTED if _seen_by_another(before, scanner) else Change.MERGED
    if _presence(before, scanner) is not Presence.GONE:
        yield Step(change, before.id, before.sightings[scanner].units, reason=f"it is the same as {other.id}")


def _may_see(scan: Scan, before: Known) -> bool:
    is_here = _presence(before, scan.scanner) is not Presence.GONE
    return is_here and any(in_scope(unit, scan.target) for unit in before.sightings[scan.scanner].units)


def _unseen(scanner: str, before: Known, reason: str, withdrawn: str) -> Iterator[Step]:
    """What becomes of a finding that a scanner no longer reports, unless there is a reason to doubt that it is gone."""
    sighting = before.sightings[scanner]
    if reason:
        if sighting.presence is not Presence.NOT_OBSERVED or sighting.reason != reason:
            yield Step(Change.NOT_OBSERVED, before.id, sighting.units, reason=reason)
    elif _seen_by_another(before, scanner):
        yield Step(Change.UNSIGHTED, before.id, sighting.units, reason=_said(withdrawn))
    elif withdrawn:
        yield Step(Change.WITHDRAWN, before.id, sighting.units, reason=_said(withdrawn))
    else:
        yield Step(Change.FIXED, before.id, sighting.units)


def _said(withdrawn: str) -> str:
    return f"{withdrawn}{WAS_WITHDRAWN}" if withdrawn else ""


WAS_WITHDRAWN = " was withdrawn"
"""How the reason ends for which a vulnerability is none any more; the name stands before it."""


def _seen_by_another(before: Known, scanner: str) -> bool:
    return any(other.presence is not Presence.GONE for name, other in before.sightings.items() if name != scanner)


def _new(
    scan: Scan, new: Sequence[Observed], known: Sequence[Known], origins: Mapping[str, Known], regression_window: int
) -> Iterator[Step]:
    """What was not there, or not any more: a finding that was fixed of late is open again, others have new ids."""
    closed: dict[str, list[Known]] = {}
    for old in sorted(known, key=lambda old: (old.closed_at or 0, old.id)):
        if old.closed_at is not None:
            closed.setdefault(old.identity, []).append(old)
    numbers = _Numbers({old.id for old in known})
    for one in new:
        previous = closed[one.identity].pop() if closed.get(one.identity) else None
        where = units(one.finding)
        if previous and scan.started_at - (previous.closed_at or 0) <= regression_window:
            yield Step(Change.REOPENED, previous.id, where, one)
            continue
        id_, number = numbers.free(one.identity)
        kin = (origins[one.identity].id,) if one.identity in origins else ()
        before = previous.id if previous else ""
        yield Step(Change.DETECTED, id_, where, one, occurrence=number, previous=before, kin=kin)


class _Numbers:
    """Ids that no finding has yet."""

    def __init__(self, taken: Collection[str]) -> None:
        self._taken = taken
        self._last: dict[str, int] = {}

    def free(self, identity: str) -> tuple[str, int]:
        """The first free id of an identity, and its number."""
        number = self._last.get(identity, 0) + 1
        while (id_ := occurrence_id(identity, number)) in self._taken:
            number += 1
        self._last[identity] = number
        return id_, number
