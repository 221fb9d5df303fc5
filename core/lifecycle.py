"""What a scan changes about the findings that are known: matching pass 1 (same identity) and the closing rules.

A finding is fixed only by a scan that could have seen it. Whatever a scan did not look at, or looked at unchanged and
no longer reports, stays open and is not observed, with the reason.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from fixby.finding import Category, Finding
from fixby.identity import occurrence_id
from fixby.scan import Coverage, Failed, Scan


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

    `identity` and `occurrence` are set for a new finding, and `previous` for one that came back for good.
    """

    change: Change
    id: str
    observed: Observed | None = None
    reason: str = ""
    identity: str = ""
    occurrence: int = 1
    previous: str = ""


@dataclass(frozen=True, slots=True)
class Past:
    """What the scanner's earlier scans looked at.

    `coverage(scan)` is the coverage of the scan of that number, or of the latest usable one for None;
    `tool_version` and `configuration` are the latest usable one's.
    """

    coverage: Callable[[int | None], Coverage]
    tool_version: str
    configuration: str


def units(finding: Finding) -> tuple[str, ...]:
    """The units of coverage in which a finding stands: its files, or `manifest#package` for a dependency."""
    paths = tuple(dict.fromkeys([place.path for place in finding.locations]))
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
    for identity in sorted(observed.keys() | known.keys()):
        before = known.get(identity)
        now = observed.get(identity)
        if now is None:
            if before is not None and before.closed_at is None:
                yield from _unseen(scan, before, past)
        elif before is None:
            yield Step(Change.DETECTED, identity, now, identity=identity)
        elif before.closed_at is not None:
            again = scan.started_at - before.closed_at <= regression_window
            yield Step(Change.REOPENED, before.id, now) if again else _new_occurrence(identity, before, now)
        else:
            yield from _seen(before, scan.scanner, now)


def _new_occurrence(identity: str, before: Known, now: Observed) -> Step:
    number = before.occurrence + 1
    return Step(
        Change.DETECTED,
        occurrence_id(identity, number),
        now,
        identity=identity,
        occurrence=number,
        previous=before.id,
    )


def _seen(before: Known, scanner: str, now: Observed) -> Iterator[Step]:
    sighting = before.sightings.get(scanner)
    if sighting is None or sighting.presence is Presence.GONE:
        yield Step(Change.SIGHTED, before.id, now)
    elif sighting.details != now.details:
        yield Step(Change.CHANGED, before.id, now)
    elif sighting.presence is Presence.NOT_OBSERVED:
        yield Step(Change.OBSERVED, before.id)


def _unseen(scan: Scan, before: Known, past: Past) -> Iterator[Step]:
    sighting = before.sightings.get(scan.scanner)
    if sighting is None or sighting.presence is Presence.GONE:
        return
    if not any(_in_scope(unit, scan.target) for unit in sighting.units):
        return
    reason = _why_not_gone(scan, sighting, past)
    if reason:
        if sighting.presence is not Presence.NOT_OBSERVED or sighting.reason != reason:
            yield Step(Change.NOT_OBSERVED, before.id, reason=reason)
    elif _seen_by_another(before, scan.scanner):
        yield Step(Change.UNSIGHTED, before.id)
    else:
        yield Step(Change.FIXED, before.id)


def _seen_by_another(before: Known, scanner: str) -> bool:
    return any(other.presence is not Presence.GONE for name, other in before.sightings.items() if name != scanner)


def _in_scope(unit: str, target: str) -> bool:
    return target in (".", unit) or unit.startswith(f"{target}/")


def _why_not_gone(scan: Scan, sighting: Sighting, past: Past) -> str:
    """Why the vanishing of a finding does not prove its fix; empty where it does."""
    earlier = past.coverage(sighting.last_scan)
    if not scan.findings and not scan.coverage.scanned:
        return "the scan saw nothing at all"
    for unit in sighting.units:
        if not _in_scope(unit, scan.target):
            return f"{_file(unit)} is outside of what was scanned"
        reason = _uncovered(scan.coverage, unit) or _unchanged(scan, unit, earlier, past)
        if reason:
            return reason
    return ""


def _uncovered(coverage: Coverage, unit: str) -> str:
    """Why a scan cannot speak of a unit; empty where it looked at it, or the unit no longer exists."""
    for place in (unit, _file(unit)):
        if place in coverage.skipped:
            return coverage.skipped[place]
    if not coverage.whole and unit not in coverage.scanned:
        return f"the report does not say that {unit} was looked at"
    return next((reason for path, reason in coverage.excluded.items() if _in_scope(_file(unit), path)), "")


def _unchanged(scan: Scan, unit: str, earlier: Coverage, past: Past) -> str:
    """What else may explain the vanishing where the unit's content did not change, or nobody knows whether it did."""
    content = scan.coverage.scanned.get(unit)
    if content is None or content != earlier.scanned.get(unit):
        return ""
    if scan.tool_version != past.tool_version:
        return f"scanner changed from {past.tool_version} to {scan.tool_version}"
    if scan.configuration != past.configuration:
        return "the scanner's rules or options changed"
    return f"{unit} did not change, yet {scan.scanner} no longer reports it" if content else ""


def _file(unit: str) -> str:
    return unit.partition("#")[0]
