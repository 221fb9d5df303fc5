"""Why a finding is due when it is: every window that applies, when each would be used up, and the time that ran."""

from dataclasses import dataclass, replace

from fixby.sla.clock import Reading, Segment, Terms, Timeline, Window, reading, schedule


@dataclass(frozen=True, slots=True)
class Candidate:
    """A window that applies and the instant at which it alone would make the finding due, None where never."""

    window: Window
    due_at: int | None
    decides: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the clock says at an instant and what it follows from, the strictest window first."""

    reading: Reading
    candidates: tuple[Candidate, ...]
    running: tuple[Segment, ...]


def explained(timeline: Timeline, terms: Terms, now: int) -> Explanation:
    """The explanation of `reading(timeline, terms, now)`; for a closed finding under the terms of its closing."""
    decided = schedule(timeline, terms)
    alone = [(window, schedule(timeline, replace(terms, windows=(window,)))) for window in terms.windows]
    candidates = [
        Candidate(window, planned.due_at, decided is not None and window == decided.window)
        for window, planned in alone
        if planned is not None
    ]
    in_order = sorted(candidates, key=lambda one: (not one.decides, one.due_at is None, one.due_at or 0))
    return Explanation(reading(timeline, terms, now), tuple(in_order), timeline.running)
