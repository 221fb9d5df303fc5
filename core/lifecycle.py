"""What a scan changes about the findings that are known: matching pass 1 (same identity) and the closing rules.

A finding is fixed only by a scan that could have seen it. Whatever a scan did not look at, or looked at unchanged and
no longer reports, stays open and is not observed, with the reason.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from fixby.finding import Category, Finding
from fixby.identity import occurrence_id
from fixby.scan import Coverage, Failed, Partial, Scan


class Presence(StrEnum):
    """What the last scan of one scanner said of a finding."""

    PRESENT = "present"
    NOT_OBSERVED = "not_observed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What is known of a finding through one scanner.

    `details` is a digest of what the scanner last said of it; `units` are the units of coverage in which it stands;
    `last_scan` names the last scan that saw it, or is None while the latest one does.
    """

    presence: Presence
    details: str
    units: tuple[str, ...]
    reason: str = ""
    last_scan: int | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """What a scan says of a finding, the same as canonical JSON, and a digest of that."""

    finding: Finding
    document: str
    details: str


@dataclass(frozen=True, slots=True)
class Known:
    """The latest occurrence of a finding: its number from 1, when it was closed (None while open), who sees it."""

    id: str
    occurrence: int
    closed_at: int | None
    sightings: Mapping[str, Sighting]


class Change(StrEnum):
    """What happens to a finding; the values are the kinds of events in the log."""

    DETECTED = "finding.detected"
    SIGHTED = "finding.sighted"
    CHANGED = "finding.changed"
    OBSERVED = "finding.observed"
    NOT_OBSERVED = "finding.not_observed"
    UNSIGHTED = "finding.unsighted"
    FIXED = "finding.fixed"
    REOPENED = "finding.reopened"


@dataclass(frozen=True, slots=True)
class Step:
    """One change of one finding. `observed` is set where the change brings details, `reason` where it needs one.

    `units` are those in which the finding stands, or stood where it vanished. `identity` and `occurrence` are set for a
    new finding, and `previous` for one that came back for good.
    """

    change: Change
    id: str
    units: tuple[str, ...]
    observed: Observed | None = None
    reason: str = ""
    identity: str = ""
    occurrence: int = 1
    previous: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """How a scanner last looked at a unit: the digest of its content, and the scanner's version and configuration."""

    content: str
    tool_version: str
    configuration: str


Past = Callable[[int | None], Mapping[str, Look]]
"""What the scanner had looked at, by unit, up to the scan of a number, or up to its latest usable one for None."""


def units(finding: Finding) -> tuple[str, ...]:
    """The units of coverage in which a finding stands: its files, or `manifest#package` for a dependency.

    The empty name stands for the target as a whole, where a finding has no location.
    """
    paths = tuple(dict.fromkeys([place.path for place in finding.locations])) or ("",)
    if finding.component and finding.category in (Category.DEPENDENCY, Category.CONTAINER):
        return tuple(f"{path}#{finding.component.name}" for path in paths)
    return paths


def changes(
    scan: Scan,
    observed: Mapping[str, Observed],
    known: Mapping[str, Known],
    past: Past,
    regression_window: int,
) -> Iterator[Step]:
    """The steps that a scan makes of what is known, in order of identity.

    `observed` holds the scan's findings and `known` the asset's, both by identity; `regression_window` is in seconds.
    A failed scan changes nothing.
    """
    if isinstance(scan.outcome, Failed):
        return
    judge = _Judge(scan, past, _why_nothing_closes(scan))
    for identity in sorted({**observed, **known}):
        before = known.get(identity)
        now = observed.get(identity)
        if now is None:
            if before is not None and before.closed_at is None:
                yield from _unseen(judge, before)
        elif before is None:
            yield Step(Change.DETECTED, identity, units(now.finding), now, identity=identity)
        elif before.closed_at is not None:
            again = scan.started_at - before.closed_at <= regression_window
            where = units(now.finding)
            yield Step(Change.REOPENED, before.id, where, now) if again else _new_occurrence(identity, before, now)
        else:
            yield from _seen(judge, before, now)


@dataclass(frozen=True, slots=True)
class _Judge:
    """What tells whether the vanishing of a finding proves its fix; `doubt` is why it never does in this scan."""

    scan: Scan
    past: Past
    doubt: str

    def why_not_gone(self, unit: str, last_scan: int | None) -> str:
        """Why the finding may still stand in a unit that last showed it in `last_scan`; empty where it does not."""
        if not in_scope(unit, self.scan.target):
            return f"{_file(unit)} is outside of what was scanned"
        return _uncovered(self.scan.coverage, unit) or self.doubt or _unchanged(self.scan, unit, self.past(last_scan))


def _why_nothing_closes(scan: Scan) -> str:
    """Why a scan closes nothing at all: it saw nothing, or a reason of its being partial concerns no place."""
    if not scan.findings and not scan.coverage.scanned:
        return "the scan saw nothing at all"
    if not isinstance(scan.outcome, Partial):
        return ""
    of_places = tuple(filter(None, set(scan.coverage.skipped.values())))
    return next((f"the scan was cut short: {said}" for said in scan.reasons if not said.endswith(of_places)), "")


def _new_occurrence(identity: str, before: Known, now: Observed) -> Step:
    number = before.occurrence + 1
    return Step(
        Change.DETECTED,
        occurrence_id(identity, number),
        units(now.finding),
        now,
        identity=identity,
        occurrence=number,
        previous=before.id,
    )


def _seen(judge: _Judge, before: Known, now: Observed) -> Iterator[Step]:
    sighting = before.sightings.get(judge.scan.scanner)
    where = units(now.finding)
    if sighting is None or sighting.presence is Presence.GONE:
        yield Step(Change.SIGHTED, before.id, where, now)
        return
    where += _unsettled(judge, sighting, where)
    if sighting.details != now.details or sighting.units != where:
        yield Step(Change.CHANGED, before.id, where, now)
    elif sighting.presence is Presence.NOT_OBSERVED:
        yield Step(Change.OBSERVED, before.id, where)


def _unsettled(judge: _Judge, sighting: Sighting, where: tuple[str, ...]) -> tuple[str, ...]:
    """The other units of a finding that stood in several, as far as it is not proved to have gone from them."""
    others = [unit for unit in sighting.units if unit not in where]
    return tuple(unit for unit in others if judge.why_not_gone(unit, sighting.last_scan))


def _unseen(judge: _Judge, before: Known) -> Iterator[Step]:
    sighting = before.sightings.get(judge.scan.scanner)
    if sighting is None or sighting.presence is Presence.GONE:
        return
    where = sighting.units
    if not any(in_scope(unit, judge.scan.target) for unit in where):
        return
    reason = next(filter(None, (judge.why_not_gone(unit, sighting.last_scan) for unit in where)), "")
    if reason:
        if sighting.presence is not Presence.NOT_OBSERVED or sighting.reason != reason:
            yield Step(Change.NOT_OBSERVED, before.id, where, reason=reason)
    elif _seen_by_another(before, judge.scan.scanner):
        yield Step(Change.UNSIGHTED, before.id, where)
    else:
        yield Step(Change.FIXED, before.id, where)


def _seen_by_another(before: Known, scanner: str) -> bool:
    return any(other.presence is not Presence.GONE for name, other in before.sightings.items() if name != scanner)


def in_scope(unit: str, target: str) -> bool:
    """Whether a unit or path lies in a target: a folder, a file, or `.` for everything."""
    return target in (".", unit, _file(unit)) or unit.startswith(f"{target}/")


def _uncovered(coverage: Coverage, unit: str) -> str:
    """Why a scan cannot speak of a unit; empty where it looked at it, or the unit no longer exists."""
    for place in (unit, _file(unit), *_folders(unit)):
        if place in coverage.skipped:
            return coverage.skipped[place] or "it was skipped"
    if not coverage.whole and unit not in coverage.scanned:
        return f"the report does not say that {unit or 'everything'} was looked at"
    excluded = (reason for path, reason in coverage.excluded.items() if in_scope(_file(unit), path))
    return next((reason or "it is excluded" for reason in excluded), "")


def _unchanged(scan: Scan, unit: str, past: Mapping[str, Look]) -> str:
    """What else may explain the vanishing where the unit's content did not change, or nobody knows whether it did."""
    content, before = scan.coverage.scanned.get(unit), past.get(unit)
    if content is None or before is None or (content and before.content and content != before.content):
        return ""
    if scan.tool_version != before.tool_version:
        return f"scanner changed from {before.tool_version} to {scan.tool_version}"
    if scan.configuration != before.configuration:
        return "the scanner's rules or options changed"
    return f"{unit} did not change, yet {scan.scanner} no longer reports it" if content == before.content != "" else ""


def _file(unit: str) -> str:
    return unit.partition("#")[0]


def _folders(unit: str) -> Iterator[str]:
    """The folders in which a unit lies, written as folders that cannot be read are: with a `/` at the end."""
    parts = _file(unit).split("/")
    yield "./"
    for depth in range(1, len(parts)):
        yield "/".join(parts[:depth]) + "/"
