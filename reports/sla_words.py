"""How the figures of a report are named and written, the same on a terminal, in Markdown and on a page."""

from collections.abc import Iterator
from itertools import pairwise

from fixby.reports.published import instant
from fixby.sla.clock import Status
from fixby.sla.figures import AGES, Figures, Report, TimeToFix
from fixby.tracked import TrackedFinding

NOTHING = "-"
"""What stands where there is no figure."""

AGE_NAMES = (
    f"to {AGES[0]} d",
    *(f"{younger}-{older} d" for younger, older in pairwise(AGES)),
    f"over {AGES[-1]} d",
)

DEFINITIONS = (
    ("Compliance", "The share of promises kept: met, of met, missed and open breaches. It is rounded down."),
    ("Open", "Findings that are not fixed at the end of the period."),
    ("Breached", "Open findings whose due date has passed."),
    ("Due soon", "Open findings in time, with little of their window left; the policy says how little."),
    ("Paused", "Open findings under a valid risk acceptance, whose time does not run."),
    ("Exempt", "Open findings to which no window applies."),
    ("Opened", "Findings whose clock started in the period."),
    ("Met", "Findings closed in the period, no later than their due date."),
    ("Missed", "Findings closed in the period, after their due date."),
    ("Closed exempt", "Findings closed in the period that had no due date."),
    ("Dismissed", "Findings that somebody said in the period are none."),
    (
        "Withdrawn",
        "Findings closed in the period since who published the vulnerability withdrew it; nobody fixed them.",
    ),
    ("Not observed", "Findings of which the last scan could not tell whether they are still there; they stay open."),
    ("Oldest breach", "The earliest due date of an open breach."),
    ("Median time to fix", "Half of what was fixed in the period was fixed within this time."),
    ("90 % fixed within", "Nine tenths of what was fixed in the period were fixed within this time (p90)."),
    (
        "Expected time to fix",
        "The time within which half of all findings are fixed, counting those still open (Kaplan and Meier, 1958).",
    ),
    ("Age", "The days for which open findings have been open, at the end of the period."),
)
"""Each figure in a sentence."""


def total_open(figures: Figures) -> int:
    """How many findings are open, whatever their status."""
    return sum(figures.open.values())


def breached(figures: Figures) -> int:
    """How many open findings are in breach."""
    return figures.open.get(Status.BREACHED, 0)


def promises(figures: Figures) -> str:
    """What a compliance is the share of: `412 of 460 promises kept`."""
    promised = figures.met + figures.missed + breached(figures)
    return f"{figures.met:,} of {promised:,} promises kept"


def ages(figures: Figures) -> tuple[int, ...]:
    """How many open findings are in each bucket of `AGE_NAMES`."""
    return figures.ages or (0,) * len(AGE_NAMES)


def share(compliance: float | None) -> float | None:
    """A compliance with at most four decimals, rounded down: 1.0 means that every promise was kept."""
    return None if compliance is None else int(round(compliance * 10_000, 6)) / 10_000


def percent(compliance: float | None) -> str:
    """A compliance with one decimal, rounded down: `92.3 %`."""
    return NOTHING if compliance is None else f"{int(round(compliance * 1000, 6)) / 10} %"


def hours(number: int | None) -> str:
    """Hours up to two days, then days, rounded down: `30 h`, `12.4 d`."""
    if number is None:
        return NOTHING
    if number < 48:
        return f"{number} h" if number else "under 1 h"
    return f"{days(number * 3600)} d"


def days(seconds: int) -> str:
    """Days with one decimal, rounded down: `12.4`."""
    return f"{seconds * 10 // 86_400 / 10:,}"


def moment(seconds: int | None) -> str:
    """A UTC second as people read it: `2026-03-04 12:00:00 UTC`."""
    return (instant(seconds) or NOTHING).replace("T", " ").replace("Z", " UTC")


def period(report: Report) -> str:
    """From when to when a report's figures are."""
    return f"{moment(report.since)} to {moment(report.as_of)}"


def title(column: str) -> str:
    """What a thing to group by is called at the top of a column."""
    return column.replace("_", " ").capitalize()


def key(figures: Figures) -> tuple[str, ...]:
    """What a group's findings have in common, with a word for what has no name."""
    return tuple(value or "none" for value in figures.key)


def late(breach: TrackedFinding, now: int) -> int:
    """For how many seconds a finding has been in breach."""
    return max(0, now - breach.due_at) if breach.due_at is not None else 0


def overdue(figures: Figures, now: int) -> str:
    """For how long the oldest breach has been one."""
    return NOTHING if figures.oldest_breach is None else f"{days(now - figures.oldest_breach)} d"


def times(report: Report) -> Iterator[tuple[str, TimeToFix]]:
    """The times to fix by severity, the worst first."""
    for severity in sorted(report.severities, key=lambda one: -one.rank):
        yield severity, report.severities[severity]
