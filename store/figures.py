"""The figures of a report, counted by the database: some thousand groups come back, whatever the number of findings."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from fixby.errors import UsageError
from fixby.query import Term
from fixby.severity import Severity
from fixby.sla.clock import Status
from fixby.sla.figures import AGES, Figures, Month, Report, TimeToFix, kaplan_meier, quantile
from fixby.sla.sql import BREACHED, RAN, STATUS
from fixby.store.database import Database, Value
from fixby.store.log import head
from fixby.store.queries import where_some_are_not_observed
from fixby.store.rows import PolicyRow, select
from fixby.store.selection import OBSERVED, OPEN, condition
from fixby.tracked import State

GROUPS = {
    "severity": "finding.severity",
    "asset": "finding.asset",
    "category": "finding.category",
    "team": "COALESCE((SELECT team FROM asset WHERE name = finding.asset), '')",
    "tier": "COALESCE((SELECT tier FROM asset WHERE name = finding.asset), '')",
}
"""What a report can group by."""


@dataclass(frozen=True, slots=True)
class Period:
    """The findings that a report is about and its period, UTC instants in seconds; `by` are names of `GROUPS`."""

    since: int
    as_of: int
    query: Sequence[Term] = ()
    by: tuple[str, ...] = ("severity",)


def report(database: Database, period: Period) -> Report:
    """The figures of a period. Raises `UsageError` for what cannot be grouped by and for queries that make no sense.

    The state of the store counts: for a report as of an earlier instant, ask inside `fixby.store.past.as_of`.
    """
    for name in period.by:
        if name not in GROUPS:
            raise UsageError(f"A report cannot be grouped by {name!r}.", f"Known are: {', '.join(GROUPS)}.")
    counted = _counted(database, period)
    last = head(database)
    groups = _merged(counted, lambda key: key[1:])
    of_severities = _merged(counted, lambda key: key[:1])
    return Report(
        as_of=period.as_of,
        since=period.since,
        snapshot=f"{last.seq}:{last.hash}",
        by=period.by,
        policies=_policies(database),
        total=_merged(counted, lambda _: ()).get((), _Group()).figures(()),
        groups=tuple(groups[key].figures(_words(period.by, key)) for key in sorted(groups, key=_order(period.by))),
        severities={
            Severity.from_rank(rank): _time_to_fix(of_severities[rank,].hours)
            for (rank,) in sorted(of_severities, reverse=True)
        },
        months=tuple(_months(database, period)),
    )


_Key = tuple[Any, ...]


@dataclass(slots=True)
class _Group:
    """What is counted of one group. `hours` has how many were fixed, and are open, after so many hours."""

    open: Counter[Status] = field(default_factory=Counter)
    ages: Counter[int] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    hours: Counter[tuple[int, str]] = field(default_factory=Counter)
    oldest_breach: int | None = None

    def add(self, other: "_Group") -> None:
        """Count what the other counted as well."""
        self.open.update(other.open)
        self.ages.update(other.ages)
        self.counts.update(other.counts)
        self.hours.update(other.hours)
        self.breach(other.oldest_breach)

    def breach(self, at: int | None) -> None:
        """There is an open finding that was due at an instant, or none."""
        known = [instant for instant in (self.oldest_breach, at) if instant is not None]
        self.oldest_breach = min(known, default=None)

    def figures(self, key: tuple[str, ...]) -> Figures:
        """The figures that follow."""
        return Figures(
            key=key,
            open={status: self.open[status] for status in Status if self.open[status]},
            opened=self.counts["opened"],
            met=self.counts[Status.MET],
            missed=self.counts[Status.MISSED],
            closed_exempt=self.counts[Status.EXEMPT],
            dismissed=self.counts["dismissed"],
            withdrawn=self.counts["withdrawn"],
            not_observed=self.counts["not observed"],
            oldest_breach=self.oldest_breach,
            ages=tuple(self.ages[bucket] for bucket in range(len(AGES) + 1)),
            time_to_fix=_time_to_fix(self.hours),
        )


def _merged(counted: Mapping[_Key, _Group], key_of: Callable[[_Key], _Key]) -> dict[_Key, _Group]:
    """The groups that have one key in common, together."""
    merged: defaultdict[_Key, _Group] = defaultdict(_Group)
    for key, group in counted.items():
        merged[key_of(key)].add(group)
    return dict(merged)


def _counted(database: Database, period: Period) -> dict[_Key, _Group]:
    """What is counted by severity and whatever else is asked for: few passes, each over as little as it needs."""
    keys = [GROUPS["severity"], *(GROUPS[name] for name in period.by)]
    groups: defaultdict[_Key, _Group] = defaultdict(_Group)
    hours, breached_at = f"({RAN}) / 3600", f"min(CASE WHEN {BREACHED} THEN finding.due_at END)"
    for *key, status, age, hour, breach, count in _grouped(
        database, period, [*keys, STATUS, _AGE, hours], f"{breached_at}, count(*)", OPEN
    ):
        group = groups[tuple(key)]
        group.open[Status(status)] += count
        group.ages[age] += count
        group.hours[hour, "open"] += count
        group.breach(breach)
    how = ["finding.closed_as", "finding.verdict", hours]
    was_one = f"{_within('closed_at')} AND finding.dismissed_at IS NULL"
    for *key, closed_as, verdict, hour, count in _grouped(database, period, [*keys, *how], "count(*)", was_one):
        group = groups[tuple(key)]
        if closed_as == State.WITHDRAWN:
            group.counts["withdrawn"] += count
        else:
            group.counts[verdict] += count
            group.hours[hour, "fixed"] += count
    flags = [f"CASE WHEN {_within(column)} THEN 1 ELSE 0 END" for column in ("started_at", "dismissed_at")]
    for *key, is_opened, is_dismissed, count in _grouped(
        database, period, [*keys, *flags], "count(*)", f"{_within('started_at')} OR {_within('dismissed_at')}"
    ):
        groups[tuple(key)].counts["opened"] += is_opened * count
        groups[tuple(key)].counts["dismissed"] += is_dismissed * count
    source, among = where_some_are_not_observed(database)
    for *key, count in _grouped(database, period, keys, "count(*)", f"{among} AND {OPEN} AND NOT {OBSERVED}", source):
        groups[tuple(key)].counts["not observed"] += count
    return dict(groups)


def _within(column: str) -> str:
    return f"(finding.{column} > :since AND finding.{column} <= :now)"


def _months(database: Database, period: Period) -> Iterator[Month]:
    """The trend by calendar months, as far as they lie in the period; the last one may not be over."""
    opened, ended, breached = Counter[int](), Counter[int](), Counter[int]()
    closed: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for day, count in _grouped(database, period, ["finding.started_at / 86400"], "count(*)", "1 = 1"):
        opened[day] += count
    day_of_end = "COALESCE(finding.dismissed_at, finding.closed_at) / 86400"
    verdict = "CASE WHEN finding.dismissed_at IS NULL THEN finding.verdict ELSE '' END"
    has_ended = "finding.closed_at IS NOT NULL OR finding.dismissed_at IS NOT NULL"
    for day, how, count in _grouped(database, period, [day_of_end, verdict], "count(*)", has_ended):
        ended[day] += count
        closed[how][day] += count
    late = f"finding.verdict = '{Status.MISSED}' AND finding.dismissed_at IS NULL OR {BREACHED}"
    for day, count in _grouped(database, period, ["finding.due_at / 86400"], "count(*)", late):
        breached[day] += count
    met, missed = closed[Status.MET], closed[Status.MISSED]
    for name, start, end in _calendar_months(period.since, period.as_of):
        yield Month(
            name=name,
            opened=_between(opened, start, end),
            met=_between(met, start, end),
            missed=_between(missed, start, end),
            open_at_end=_between(opened, 0, end) - _between(ended, 0, end),
            breached_at_end=_between(breached, 0, end) - _between(missed, 0, end),
        )


def _grouped(  # noqa: PLR0913, PLR0917 - the parts of a statement
    database: Database, period: Period, keys: Sequence[str], counted: str, where: str, source: str = "finding"
) -> list[Sequence[Any]]:
    asked = condition(period.query)
    positions = ", ".join(str(number) for number in range(1, len(keys) + 1))
    named: dict[str, Value] = {"now": period.as_of, "since": period.since, **asked.parameters}
    rows: Any = database.run(
        f"SELECT {', '.join([*keys, counted])} FROM {source} WHERE ({where}) AND {asked.sql} GROUP BY {positions}",
        **named,
    )
    return list(rows)


_AGE = (
    "CASE "
    + " ".join(f"WHEN :now - finding.started_at < {days * 86_400} THEN {bucket}" for bucket, days in enumerate(AGES))
    + f" ELSE {len(AGES)} END"
)


def _between(days: Counter[int], first: int, after: int) -> int:
    """How many there were from a day on until another, days since the epoch."""
    return sum(count for day, count in days.items() if first <= day < after)


def _calendar_months(since: int, as_of: int) -> Iterator[tuple[str, int, int]]:
    """The months that the period touches: their names, first days and the next one's first day since the epoch."""
    month = datetime.fromtimestamp(since, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while month.timestamp() <= as_of:
        following = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
        yield month.strftime("%Y-%m"), int(month.timestamp()) // 86_400, int(following.timestamp()) // 86_400
        month = following


def _time_to_fix(counted: Counter[tuple[int, str]]) -> TimeToFix:
    hours = sorted({hour for hour, _ in counted})
    fixed = [(hour, counted[hour, "fixed"]) for hour in hours if counted[hour, "fixed"]]
    return TimeToFix(
        fixed=sum(count for _, count in fixed),
        median=quantile(fixed, 0.5),
        p90=quantile(fixed, 0.9),
        expected=kaplan_meier([(hour, counted[hour, "fixed"], counted[hour, "open"]) for hour in hours]),
    )


def _words(by: Sequence[str], key: _Key) -> tuple[str, ...]:
    pairs = zip(by, key, strict=True)
    return tuple(str(Severity.from_rank(value)) if name == "severity" else str(value) for name, value in pairs)


def _order(by: Sequence[str]) -> Callable[[_Key], _Key]:
    """Severities worst first, all else by name."""
    return lambda key: tuple(-value if name == "severity" else value for name, value in zip(by, key, strict=True))


def _policies(database: Database) -> tuple[tuple[str, str, str], ...]:
    rows = select(database, PolicyRow, "policy", "seq IN (SELECT max(seq) FROM policy GROUP BY asset) ORDER BY asset")
    return tuple((row.asset, row.name, row.digest) for row in rows)
