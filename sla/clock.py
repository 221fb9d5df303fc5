"""When a finding is due, and how it stands: the one definition, over one finding.

Instants are UTC, in whole seconds since the epoch; durations are whole seconds. **Running time** is the time since the
finding was first detected that counts: what lies in the segments of its timeline. For each level of severity a timeline
keeps the running time at which the finding was first at least that severe. A finding is due when its running time
reaches the earliest of `since[level] + window[level]` over the levels up to its present severity.

`fixby.sla.sql` says the same to a database; a test holds the two equal.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from fixby.severity import LEVELS, Severity


class Status(StrEnum):
    """How a finding stands; each has exactly one at any instant."""

    ON_TRACK = "on_track"
    DUE_SOON = "due_soon"
    """At most the policy's share of the deciding window is left; the due instant itself is still in time."""
    BREACHED = "breached"
    """Open after the due instant."""
    PAUSED = "paused"
    """Its time does not run, and was not used up before."""
    MET = "met"
    """Closed no later than the due instant."""
    MISSED = "missed"
    """Closed after the due instant."""
    EXEMPT = "exempt"
    """No window applies to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a policy allows: a window in seconds for each level that has one, `unknown` being treated as a level.

    A finding is due soon when at most `due_soon_percent` of its deciding window is left.
    """

    windows: Mapping[Severity, int]
    unknown_as: Severity
    due_soon_percent: int

    def due_soon(self, level: Severity) -> int:
        """The time left, in seconds, from which a finding that this level's window decides is due soon."""
        return self.windows[level] * self.due_soon_percent // 100


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time that counts, from `start` to `stop`, or without an end."""

    start: int
    stop: int | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """All that a finding's due date depends on.

    `since` has the running time at which the severity was first at least each level that it ever reached, and
    under `UNKNOWN` the running time at which it was first unknown. `running` is never empty and is in order of time;
    a last segment may lie in the future, when a pause ends. `closed_at` is None while the finding is open.
    """

    severity: Severity
    since: Mapping[Severity, int]
    running: tuple[Segment, ...]
    closed_at: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What the clock says at an instant.

    `due_at` is None for a finding that is exempt, paused, or stopped for good before its time is up. `time_left` is
    the running time left, or what it is late by as a negative number; for a closed finding, when it was closed. `level`
    is the severity whose window decides. Both are None for an exempt finding.
    """

    status: Status
    due_at: int | None = None
    time_left: int | None = None
    level: Severity | None = None


def reading(timeline: Timeline, terms: Terms, now: int) -> Reading:
    """How a finding stands at `now`. The clock of a closed finding stands still at the instant it was closed."""
    deciding = _deciding(timeline, terms)
    if deciding is None:
        return Reading(Status.EXEMPT)
    target, level = deciding
    at = now if timeline.closed_at is None else timeline.closed_at
    due_at = _reached_at(timeline.running, target)
    if due_at is not None and due_at <= at:
        time_left, is_paused = due_at - at, False
    else:
        time_left, is_paused = target - _running_time(timeline.running, at), not _runs(timeline.running, at)
    status = _status(timeline, time_left, terms.due_soon(level), is_paused=is_paused)
    return Reading(status, None if is_paused else due_at, time_left, level)


def detected(severity: Severity, at: int) -> Timeline:
    """The timeline of a finding that was first detected at `at`."""
    return Timeline(severity, _noted({}, severity, 0), (Segment(at),))


def rescored(timeline: Timeline, severity: Severity, at: int) -> Timeline:
    """The severity is known to be another since `at`. The clock of a level that was reached before does not move."""
    ran = max(0, _running_time(timeline.running, at))
    return replace(timeline, severity=severity, since=_noted(timeline.since, severity, ran))


def closed(timeline: Timeline, at: int) -> Timeline:
    """An open finding is fixed, or closed for another reason, at `at`."""
    return replace(timeline, closed_at=at)


def resumed(timeline: Timeline, at: int) -> Timeline:
    """A finding that was closed or paused runs again from `at`; the time in between does not count."""
    stopped = at if timeline.closed_at is None else timeline.closed_at
    return replace(timeline, running=(*_until(timeline.running, stopped), Segment(at)), closed_at=None)


def paused(timeline: Timeline, at: int, until: int | None = None) -> Timeline:
    """The time of an open finding stops at `at` and runs again from `until` by itself, or from `resumed` alone."""
    again = () if until is None else (Segment(until),)
    return replace(timeline, running=(*_until(timeline.running, at), *again))


def is_regression(timeline: Timeline, at: int, regression_window: int) -> bool:
    """Whether a finding that comes back at `at` is the closed one again, and not a new occurrence."""
    return timeline.closed_at is not None and at - timeline.closed_at <= regression_window


def _deciding(timeline: Timeline, terms: Terms) -> tuple[int, Severity] | None:
    """The running time at which the finding is due and the level that says so: of equal ones the most severe."""
    present = terms.unknown_as if timeline.severity is Severity.UNKNOWN else timeline.severity
    levels = [level for level in reversed(LEVELS[: present.rank + 1]) if level in terms.windows]
    targets = [(min(_counted(timeline, level, terms)) + terms.windows[level], level) for level in levels]
    return min(targets, key=lambda target: target[0], default=None)


def _counted(timeline: Timeline, level: Severity, terms: Terms) -> Iterator[int]:
    """The running times from which a finding counted as at least a level: known to be so, or treated so."""
    if level in timeline.since:
        yield timeline.since[level]
    if Severity.UNKNOWN in timeline.since and level.rank <= terms.unknown_as.rank:
        yield timeline.since[Severity.UNKNOWN]


def _status(timeline: Timeline, time_left: int, due_soon: int, *, is_paused: bool) -> Status:
    if timeline.closed_at is not None:
        return Status.MET if time_left >= 0 else Status.MISSED
    if is_paused:
        return Status.PAUSED
    if time_left < 0:
        return Status.BREACHED
    return Status.DUE_SOON if time_left <= due_soon else Status.ON_TRACK


def _reached_at(running: tuple[Segment, ...], target: int) -> int | None:
    """The first instant at which the running time is `target`, or None where it never gets there."""
    left = target
    for segment in running:
        if segment.stop is None or left <= segment.stop - segment.start:
            return segment.start + left
        left -= segment.stop - segment.start
    return None


def _running_time(running: tuple[Segment, ...], at: int) -> int:
    """The running time at `at`; negative before the start."""
    return sum(_earlier(segment.stop, at) - segment.start for segment in _begun(running, at))


def _runs(running: tuple[Segment, ...], at: int) -> bool:
    """Whether time counts from `at` on; before the start it is about to."""
    current = _begun(running, at)[-1]
    return current.stop is None or at < current.stop


def _begun(running: tuple[Segment, ...], at: int) -> tuple[Segment, ...]:
    first, *later = running
    return (first, *(segment for segment in later if segment.start <= at))


def _until(running: tuple[Segment, ...], at: int) -> tuple[Segment, ...]:
    """The segments as if nothing were running from `at` on."""
    return tuple(replace(segment, stop=_earlier(segment.stop, at)) for segment in _begun(running, at))


def _earlier(stop: int | None, at: int) -> int:
    return at if stop is None else min(stop, at)


def _noted(since: Mapping[Severity, int], severity: Severity, ran: int) -> dict[Severity, int]:
    """What was noted before, and the running time for each level that is reached for the first time."""
    reached = LEVELS[: severity.rank + 1] or (Severity.UNKNOWN,)
    return {**dict.fromkeys(reached, ran), **since}
