"""The figures of a report: how the promise was kept in a period, for everything and for each group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fixby.severity import Severity
from fixby.sla.clock import Status


@dataclass(frozen=True, slots=True)
class TimeToFix:
    """How long fixes took, in hours rounded down; None where nothing can be said.

    `median` and `p90` are of what was fixed in the period. `expected` is the median by the Kaplan-Meier estimate over
    what was fixed in the period and what is open: it does not forget the findings that nobody fixed yet.
    """

    fixed: int = 0
    median: int | None = None
    p90: int | None = None
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a group of findings, whose `key` has a value for each thing that was grouped by.

    `open` counts what is open at the end of the period by status; `opened`, `met`, `missed` and `closed_exempt` what
    happened in the period. `oldest_breach` is the earliest due instant of an open breach. `ages` counts what is open by
    the age buckets of `AGES`.
    """

    key: tuple[str, ...] = ()
    open: Mapping[Status, int] = field(default_factory=dict)
    opened: int = 0
    met: int = 0
    missed: int = 0
    closed_exempt: int = 0
    dismissed: int = 0
    withdrawn: int = 0
    not_observed: int = 0
    oldest_breach: int | None = None
    ages: tuple[int, ...] = ()
    time_to_fix: TimeToFix = TimeToFix()

    @property
    def compliance(self) -> float | None:
        """The share of promises kept: met of met, missed and open breaches; None where there was no promise."""
        promised = self.met + self.missed + self.open.get(Status.BREACHED, 0)
        return self.met / promised if promised else None


AGES = (7, 30, 90, 180, 365)
"""The age buckets' upper bounds in days; the last bucket has no bound."""


@dataclass(frozen=True, slots=True)
class Month:
    """One month of the trend, `2026-09`: what happened in it, and what was open and in breach when it ended."""

    name: str
    opened: int
    met: int
    missed: int
    open_at_end: int
    breached_at_end: int

    @property
    def compliance(self) -> float | None:
        """The share of promises kept: met of met, missed and breaches open at the end; None where there was none."""
        promised = self.met + self.missed + self.breached_at_end
        return self.met / promised if promised else None


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of a period from `since` to `as_of`, UTC instants in seconds.

    `by` says what `groups` are grouped by: severity, asset, team, category or scanner. `snapshot` is the number and
    hash of the last event that is in it; `policies` the versions in force, as asset, name and digest.
    """

    as_of: int
    since: int
    snapshot: str
    by: tuple[str, ...]
    policies: tuple[tuple[str, str, str], ...]
    total: Figures
    groups: tuple[Figures, ...]
    severities: Mapping[Severity, TimeToFix]
    months: tuple[Month, ...]


def quantile(counts: Sequence[tuple[int, int]], share: float) -> int | None:
    """The smallest value that at least `share` of all have; `counts` are values in order with how many have each."""
    total = sum(count for _, count in counts)
    seen = 0
    for value, count in counts:
        seen += count
        if seen >= share * total:
            return value
    return None


_ROUNDING = 1e-12


def kaplan_meier(durations: Sequence[tuple[int, int, int]], share: float = 0.5) -> int | None:
    """The time by which `share` are fixed by the estimate of Kaplan and Meier (1958), None where it is not reached.

    `durations` are times in order, each with how many were fixed after it and how many had been open for it and still
    are; the latter are counted as open at that time.
    """
    at_risk = sum(fixed + still_open for _, fixed, still_open in durations)
    surviving = 1.0
    for duration, fixed, still_open in durations:
        surviving *= 1 - fixed / at_risk
        if surviving <= 1 - share + _ROUNDING:
            return duration
        at_risk -= fixed + still_open
    return None
