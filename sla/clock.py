"""When a finding is due, and how it stands: the one definition, over one finding.

Instants are UTC, in whole seconds since the epoch; durations are whole seconds. **Running time** is the time since the
finding was first detected that counts: what lies in the segments of its timeline. For each level of severity a timeline
keeps the running time at which the finding was first at least that severe. A finding is due when its running time
reaches the earliest of `since[level] + window[level]` over the levels up to its present severity. Where a policy names
a calendar, windows count working time only.

`fixby.sla.sql` says the same to a database; a test holds the two equal.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from fixby.severity import LEVELS, Severity
from fixby.sla.calendar import EVERY_DAY, Calendar


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
    """No window applies to it, or it was dismissed."""


@dataclass(frozen=True, slots=True)
class Window:
    """How many seconds a finding of a level may stay open, and which line of which policy says so.

    `since` is the running time from which on it applies, where it does not from the start.
    """

    level: Severity
    seconds: int
    line: str = ""
    since: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a policy allows a finding: all windows that apply to it, of which the strictest decides.

    An unknown severity is treated as `unknown_as`. A finding is due soon when at most `due_soon_percent` of its
    deciding window is left.
    """

    windows: tuple[Window, ...]
    unknown_as: Severity
    due_soon_percent: int
    calendar: Calendar = EVERY_DAY

    def due_soon(self, window: Window) -> int:
        """The time left, in seconds, from which a finding that this window decides is due soon."""
        return window.seconds * self.due_soon_percent // 100


def windows(of: Mapping[Severity, int]) -> tuple[Window, ...]:
    """Windows in seconds by level, as a policy without conditions has them."""
    return tuple(Window(level, seconds) for level, seconds in of.items())


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time that counts, from `start` to `stop`, or without an end."""

    start: int
    stop: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What the clock says at an instant.

    `due_at` is None for a finding that is exempt, paused, or stopped for good before its time is up. `time_left` is the
    time until then, or what it is late by as a negative number; where it is paused or closed, what was left of its
    running time. `level` is the severity whose window decides, and `line` the line of the policy that gave it.
    """

    status: Status
    due_at: int | None = None
    time_left: int | None = None
    level: Severity | None = None
    line: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """All that a finding's due date depends on.

    `since` has the running time at which the severity was first at least each level that it ever reached, and
    under `UNKNOWN` the running time at which it was first unknown. `running` is never empty and is in order of time;
    a last segment may lie in the future, when a pause ends. `closed_at` is None while the finding is open; `verdict` is
    what the clock said when it was closed. What is dismissed was said to be no finding; its time runs on.
    """

    severity: Severity
    since: Mapping[Severity, int]
    running: tuple[Segment, ...]
    closed_at: int | None = None
    verdict: Reading | None = None
    dismissed: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """What an open finding's readings follow from, whatever the instant: when it is due, and soon due, if ever.

    `left` is the running time that is left whenever it is paused: from `paused_from` until `paused_until`, or for good.
    """

    window: Window
    due_at: int | None
    soon_at: int | None
    paused_from: int | None = None
    paused_until: int | None = None
    left: int | None = None


def reading(timeline: Timeline, terms: Terms, now: int) -> Reading:
    """How a finding stands at `now`. A closed one keeps the verdict that it was closed with."""
    if timeline.dismissed:
        return Reading(Status.EXEMPT)
    if timeline.verdict is not None:
        return timeline.verdict
    planned = schedule(timeline, terms)
    return Reading(Status.EXEMPT) if planned is None else _read(planned, now)


def schedule(timeline: Timeline, terms: Terms) -> Schedule | None:
    """When a finding is due, as if it were open; None where no window applies."""
    deciding = _deciding(timeline, terms)
    if deciding is None:
        return None
    target, window = deciding
    running, calendar = timeline.running, terms.calendar
    due_at = _reached_at(running, target, calendar)
    soon_at = _reached_at(running, max(target - terms.due_soon(window), 0), calendar)
    pause = _last_pause(running)
    if pause is None or (due_at is not None and due_at <= pause.start):
        return Schedule(window, due_at, soon_at)
    return Schedule(window, due_at, soon_at, pause.start, pause.stop, target - _ran(running, pause.start, calendar))


def detected(severity: Severity, at: int) -> Timeline:
    """The timeline of a finding that was first detected at `at`."""
    return Timeline(severity, _noted({}, severity, 0), (Segment(at),))


def rescored(timeline: Timeline, severity: Severity, at: int) -> Timeline:
    """The severity is known to be another since `at`. The clock of a level that was reached before does not move."""
    return replace(timeline, severity=severity, since=_noted(timeline.since, severity, running_time(timeline, at)))


def closed(timeline: Timeline, at: int, terms: Terms) -> Timeline:
    """An open finding is fixed at `at`, under the terms then in force: that verdict stands."""
    planned = schedule(timeline, terms)
    return replace(timeline, closed_at=at, verdict=Reading(Status.EXEMPT) if planned is None else _verdict(planned, at))


def withdrawn(timeline: Timeline, at: int) -> Timeline:
    """An open finding is closed at `at` without a verdict: it was another one all along, or none."""
    return replace(timeline, closed_at=at, verdict=Reading(Status.EXEMPT))


def joined(timeline: Timeline, other: Timeline) -> Timeline:
    """A finding turned out to be `other` too: a level that this one reached earlier was reached then."""
    instants = ((level, _reached_at(other.running, ran, EVERY_DAY)) for level, ran in other.since.items())
    since = {level: running_time(timeline, at) for level, at in instants if at is not None}
    earliest = {level: min(ran, timeline.since.get(level, ran)) for level, ran in since.items()}
    return replace(timeline, since={**timeline.since, **earliest})


def seen_from(timeline: Timeline, earlier: Timeline) -> Timeline:
    """The same finding was seen `earlier` by somebody else: its time began then, and each level when it was reached."""
    first, *rest = timeline.running
    start = min(first.start, earlier.running[0].start)
    more = first.start - start
    since = {level: ran + more for level, ran in timeline.since.items()}
    soonest = {level: min(ran, since.get(level, ran)) for level, ran in earlier.since.items() if level in since}
    return replace(timeline, since={**since, **soonest}, running=(replace(first, start=start), *rest))


def parted(timeline: Timeline, at: int) -> Timeline:
    """The timeline of a finding that was part of another until `at`: it began with that one, and runs from now on."""
    last = timeline.running[-1]
    runs = last.stop is None and last.start <= at
    return reinstated(timeline if runs else resumed(timeline, at))


def dismissed(timeline: Timeline) -> Timeline:
    """A finding is said to be none, a false positive."""
    return replace(timeline, dismissed=True)


def reinstated(timeline: Timeline) -> Timeline:
    """A finding that was dismissed is one after all: the time in between counts."""
    return replace(timeline, dismissed=False)


def resumed(timeline: Timeline, at: int) -> Timeline:
    """A finding that was closed or paused runs again from `at`; the time in between does not count."""
    stopped = at if timeline.closed_at is None else timeline.closed_at
    return replace(timeline, running=(*_until(timeline.running, stopped), Segment(at)), closed_at=None, verdict=None)


def paused(timeline: Timeline, at: int, until: int | None = None) -> Timeline:
    """The time of an open finding stops at `at` and runs again from `until` by itself, or from `resumed` alone."""
    again = () if until is None else (Segment(until),)
    return replace(timeline, running=(*_until(timeline.running, at), *again))


def running_time(timeline: Timeline, at: int) -> int:
    """The seconds that ran until `at`, working days or not; none before the start."""
    return max(0, _ran(timeline.running, at, EVERY_DAY))


def _read(planned: Schedule, now: int) -> Reading:
    """How an open finding stands."""
    window = planned.window
    if planned.due_at is not None and planned.due_at <= now:
        status = Status.BREACHED if planned.due_at < now else Status.DUE_SOON
        return Reading(status, planned.due_at, planned.due_at - now, window.level, window.line)
    if _is_paused(planned, now):
        return Reading(Status.PAUSED, None, planned.left, window.level, window.line)
    status = Status.DUE_SOON if planned.soon_at is not None and planned.soon_at <= now else Status.ON_TRACK
    left = planned.left if planned.due_at is None else planned.due_at - now
    return Reading(status, planned.due_at, left, window.level, window.line)


def _verdict(planned: Schedule, at: int) -> Reading:
    read = _read(planned, at)
    return replace(read, status=Status.MISSED if read.status is Status.BREACHED else Status.MET)


def _is_paused(planned: Schedule, now: int) -> bool:
    if planned.paused_from is None or now < planned.paused_from:
        return False
    return planned.paused_until is None or now < planned.paused_until


def _deciding(timeline: Timeline, terms: Terms) -> tuple[int, Window] | None:
    """The time used up at which the finding is due and the window that says so: of equal ones the most severe."""
    present = terms.unknown_as if timeline.severity is Severity.UNKNOWN else timeline.severity
    applying = [window for window in terms.windows if window.level.rank <= present.rank]
    targets = [(_target(timeline, window, terms), window) for window in applying]
    return min(targets, key=lambda one: (one[0], -one[1].level.rank, one[1].since, one[1].line), default=None)


def _target(timeline: Timeline, window: Window, terms: Terms) -> int:
    since = max(min(_counted(timeline, window.level, terms)), window.since)
    if terms.calendar.days_off:
        begins = _reached_at(timeline.running, since, EVERY_DAY)
        since = since if begins is None else _ran(timeline.running, begins, terms.calendar)
    return since + window.seconds


def _counted(timeline: Timeline, level: Severity, terms: Terms) -> Iterator[int]:
    """The running times from which a finding counted as at least a level: known to be so, or treated so."""
    if level in timeline.since:
        yield timeline.since[level]
    if Severity.UNKNOWN in timeline.since and level.rank <= terms.unknown_as.rank:
        yield timeline.since[Severity.UNKNOWN]


def _last_pause(running: tuple[Segment, ...]) -> Segment | None:
    """The stretch in which no time counts that begins where the last but one segment ends, or the last one."""
    if running[-1].stop is not None:
        return Segment(running[-1].stop)
    if len(running) > 1:
        return Segment(running[-2].stop or 0, running[-1].start)
    return None


def _reached_at(running: tuple[Segment, ...], target: int, calendar: Calendar) -> int | None:
    """The first instant at which the time used up is `target`, or None where it never gets there."""
    left = target
    for segment in running:
        holds = None if segment.stop is None else calendar.between(segment.start, segment.stop)
        if holds is None or left <= holds:
            return calendar.after(segment.start, left)
        left -= holds
    return None


def _ran(running: tuple[Segment, ...], at: int, calendar: Calendar) -> int:
    """The time used up at `at`; negative before the start."""
    return sum(calendar.between(segment.start, _earlier(segment.stop, at)) for segment in _begun(running, at))


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
