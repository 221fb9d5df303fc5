"""A report on a terminal: the figures first, then where they come from."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from fixby.reports import sla_words as words
from fixby.reports.plain import safe
from fixby.reports.terminal import findings_table
from fixby.sla.clock import Status
from fixby.sla.figures import Figures, Report
from fixby.tracked import TrackedFinding

LONGEST_LIST = 10
"""How many breaches are shown; the other outputs have all of them."""


def page(report: Report, breaches: Sequence[TrackedFinding], now: int) -> Iterator[RenderableType]:
    """A report and the first breaches in the order given; how late they are is reckoned at `now`, a UTC second."""
    yield Text(words.period(report), "bold")
    yield ""
    yield _summary(report.total, now)
    if report.groups:
        yield from ("", _groups(report))
    if report.severities:
        yield from ("", _times(report))
    if report.months:
        yield from ("", _months(report))
    if breaches:
        yield from ("", findings_table(breaches[:LONGEST_LIST], now))
    if len(breaches) > LONGEST_LIST:
        yield f"{len(breaches) - LONGEST_LIST:,} more in breach"


def _summary(total: Figures, now: int) -> Table:
    soon = total.open.get(Status.DUE_SOON, 0)
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="bold", no_wrap=True)
    facts.add_row("compliance", f"{words.percent(total.compliance)} ({words.promises(total)})")
    facts.add_row("breached", Text(_breached(total, now), "bold red" if words.breached(total) else ""))
    facts.add_row("due soon", Text(f"{soon:,}", "yellow" if soon else ""))
    facts.add_row("open", f"{words.total_open(total):,}")
    facts.add_row("in the period", f"{total.opened:,} opened, {total.met:,} met, {total.missed:,} missed")
    facts.add_row("time to fix", _time_to_fix(total))
    return facts


def _breached(total: Figures, now: int) -> str:
    number = words.breached(total)
    return f"{number:,}, the oldest for {words.overdue(total, now)}" if number else "0"


def _time_to_fix(total: Figures) -> str:
    time = total.time_to_fix
    return f"median {words.hours(time.median)}, 90 % {words.hours(time.p90)}, expected {words.hours(time.expected)}"


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: its title, from which width of a terminal on it is shown, and whether it holds numbers."""

    title: str
    needs: int = 0
    numbers: bool = True


@dataclass(frozen=True, slots=True)
class _Fitting:
    """A table that leaves columns out where the terminal is too narrow for them."""

    columns: Sequence[_Column]
    rows: Sequence[Sequence[str]]
    total: bool = False

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[Table]:
        shown = [place for place, column in enumerate(self.columns) if options.max_width >= column.needs]
        table = Table(box=None, pad_edge=False, header_style="bold")
        for place in shown:
            column = self.columns[place]
            table.add_column(column.title, no_wrap=True, justify="right" if column.numbers else "left")
        for row in self.rows:
            style = "bold" if self.total and row is self.rows[-1] else ""
            table.add_row(*(Text(safe(row[place]), overflow="ellipsis") for place in shown), style=style)
        yield table


def _groups(report: Report) -> _Fitting:
    keys = [_Column(name.replace("_", " ").upper(), numbers=False) for name in report.by]
    rows = [(*words.key(group), *_group(group)) for group in report.groups]
    total = ("total", *[""] * (len(keys) - 1), *_group(report.total))
    return _Fitting((*keys, *_GROUP_COLUMNS), [*rows, total], total=True)


_GROUP_COLUMNS = (
    _Column("OPEN"),
    _Column("DUE SOON", 70),
    _Column("BREACHED"),
    _Column("OPENED", 90),
    _Column("MET", 70),
    _Column("MISSED", 70),
    _Column("COMPLIANCE"),
    _Column("MEDIAN", 90),
    _Column("EXPECTED", 100),
)


def _group(figures: Figures) -> Iterator[str]:
    soon = figures.open.get(Status.DUE_SOON, 0)
    yield from _counts(words.total_open(figures), soon, words.breached(figures))
    yield from _counts(figures.opened, figures.met, figures.missed)
    yield words.percent(figures.compliance)
    yield words.hours(figures.time_to_fix.median)
    yield words.hours(figures.time_to_fix.expected)


def _times(report: Report) -> _Fitting:
    columns = (_Column("SEVERITY", numbers=False), *map(_Column, ("FIXED", "MEDIAN", "90 %", "EXPECTED")))
    rows = [
        (severity, *_counts(time.fixed), *map(words.hours, (time.median, time.p90, time.expected)))
        for severity, time in words.times(report)
    ]
    return _Fitting(columns, rows)


def _months(report: Report) -> _Fitting:
    titles = ("OPENED", "MET", "MISSED", "OPEN", "BREACHED", "COMPLIANCE")
    columns = (_Column("MONTH", numbers=False), *map(_Column, titles))
    rows = [
        (
            month.name,
            *_counts(month.opened, month.met, month.missed, month.open_at_end, month.breached_at_end),
            words.percent(month.compliance),
        )
        for month in report.months
    ]
    return _Fitting(columns, rows)


def _counts(*numbers: int) -> Iterable[str]:
    return (f"{number:,}" for number in numbers)
