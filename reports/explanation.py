"""Why a finding is due when it is, for people and programs."""

from collections.abc import Iterator
from typing import Any, Protocol

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from fixby.reports.plain import safe
from fixby.reports.published import instant
from fixby.sla.clock import Reading, Status
from fixby.sla.duration import length, until
from fixby.sla.explanation import Candidate, Explanation
from fixby.tracked import TrackedFinding


class Version(Protocol):
    """A version of a policy: what it is called, the digest of what it says, the UTC second it came into force."""

    name: str
    digest: str
    at: int


def page(finding: TrackedFinding, told: Explanation, version: Version | None, now: int) -> Iterator[RenderableType]:
    """The explanation on a terminal: the answer first, then what it follows from."""
    yield Text(_answer(told.reading), "bold")
    yield Text(_source(told.reading, version))
    yield ""
    windows = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("", "LEVEL", "WINDOW", "LINE OF THE POLICY", "USED UP"):
        windows.add_column(title)
    for one in told.candidates:
        windows.add_row(*_candidate(one))
    yield windows
    yield ""
    times = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("TIME RAN FROM", "UNTIL", "FOR"):
        times.add_column(title)
    for start, stop in _segments(finding, told, now):
        times.add_row(_moment(start), _moment(stop) if stop else "now", length((stop or now) - start))
    yield times


def document(finding: TrackedFinding, told: Explanation, version: Version | None, now: int) -> dict[str, Any]:
    """The explanation as `fixby.explanation/1` publishes it; lengths are in seconds."""
    return {
        "schema": "fixby.explanation/1",
        "id": finding.id,
        "evaluated_at": instant(now),
        "sla_status": str(told.reading.status),
        "due_at": instant(told.reading.due_at),
        "seconds_left": told.reading.time_left,
        "policy": None
        if version is None
        else {"name": version.name, "digest": version.digest, "in_force_since": instant(version.at)},
        "windows": [
            {
                "severity": str(one.window.level),
                "seconds": one.window.seconds,
                "line": one.window.line,
                "applies_after": one.window.since,
                "due_at": instant(one.due_at),
                "decides": one.decides,
            }
            for one in told.candidates
        ],
        "running": [{"from": instant(start), "until": instant(stop)} for start, stop in _segments(finding, told, now)],
    }


def _answer(reading: Reading) -> str:
    if reading.status is Status.EXEMPT:
        return "Nothing is due: no window of the policy applies, or the finding was dismissed."
    if reading.status is Status.PAUSED:
        return f"Paused by an acceptance, with {length(reading.time_left or 0)} left."
    words = {Status.MET: "Fixed in time", Status.MISSED: "Fixed late"}
    if reading.status in words:
        return f"{words[reading.status]}, {until(reading.time_left or 0)}; it was due {_moment(reading.due_at)}."
    return f"Due {_moment(reading.due_at)}, {until(reading.time_left or 0)}: {reading.status.replace('_', ' ')}."


def _source(reading: Reading, version: Version | None) -> str:
    policy = "the shipped policy" if version is None else f"the policy {safe(version.name)!r} ({version.digest[:12]})"
    since = "" if version is None else f", in force since {_moment(version.at)}"
    return f"by {safe(reading.line) or 'no line'} of {policy}{since}"


def _candidate(one: Candidate) -> tuple[str, ...]:
    window = one.window
    later = f", from {length(window.since)} on" if window.since else ""
    when = _moment(one.due_at) if one.due_at else "never, as things stand"
    return "->" if one.decides else "", str(window.level), length(window.seconds), f"{safe(window.line)}{later}", when


def _segments(finding: TrackedFinding, told: Explanation, now: int) -> Iterator[tuple[int, int | None]]:
    """The stretches in which time ran, as far as they have begun; the last of an open finding has no end yet."""
    end = finding.closed_at
    for segment in told.running:
        stop = segment.stop if end is None else min(segment.stop or end, end)
        if segment.start <= now and stop != segment.start:
            yield segment.start, stop


def _moment(seconds: int | None) -> str:
    return (instant(seconds) or "").replace("T", " ").replace("Z", " UTC")
