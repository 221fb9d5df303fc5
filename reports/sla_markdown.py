"""A report as Markdown, for wikis, issues and job summaries, in which no text of a finding is markup."""

from collections.abc import Iterator, Sequence

from fixby.reports import sla_words as words
from fixby.reports.markdown import table, text
from fixby.reports.plain import ID_LENGTH
from fixby.reports.words import where
from fixby.sla.clock import Status
from fixby.sla.figures import Figures, Report
from fixby.tracked import TrackedFinding


def written(report: Report, breaches: Sequence[TrackedFinding], now: int) -> str:
    """A report and its breaches in the order given; how late they are is reckoned at `now`, a UTC second."""
    parts = (
        "# SLA report",
        f"{words.period(report)}. Snapshot {text(report.snapshot)}.",
        table(("Figure", "Value"), _summary(report, now), numbers=1),
        f"## By {text(' and '.join(report.by))}" if report.by else "## All findings",
        table((*map(words.title, report.by or ("findings",)), *_GROUP_TITLES), _groups(report), numbers=8),
        "## Time to fix",
        table(("Severity", "Fixed", "Median", "90 % within", "Expected"), _times(report), numbers=4),
        "## By month",
        table(("Month", "Opened", "Met", "Missed", "Compliance", "Open", "Breached"), _months(report), numbers=6),
        f"## Breaches ({len(breaches):,})",
        table(("Due", "Late", "Severity", "Asset", "Title", "Where", "ID"), _breaches(breaches, now)),
        "## Policies",
        table(("Asset", "Policy", "Digest"), report.policies),
        "## What the figures mean",
        "\n".join(f"- **{name}**: {sentence}" for name, sentence in words.DEFINITIONS),
    )
    return "\n\n".join(parts) + "\n"


def _summary(report: Report, now: int) -> Iterator[tuple[str, str]]:
    total = report.total
    yield "Compliance", words.percent(total.compliance)
    yield "Breached", f"{words.breached(total):,}"
    yield "Due soon", f"{total.open.get(Status.DUE_SOON, 0):,}"
    yield "Open", f"{words.total_open(total):,}"
    yield "Expected time to fix", words.hours(total.time_to_fix.expected)
    yield "Oldest breach", words.overdue(total, now)


def _groups(report: Report) -> Iterator[tuple[str, ...]]:
    for group in report.groups:
        yield *words.key(group), *_figures(group)
    empty = [""] * (len(report.by) - 1)
    yield "Total", *empty, *_figures(report.total)


_GROUP_TITLES = ("Open", "Due soon", "Breached", "Opened", "Met", "Missed", "Compliance", "Median")


def _figures(figures: Figures) -> Iterator[str]:
    soon = figures.open.get(Status.DUE_SOON, 0)
    counts = (words.total_open(figures), soon, words.breached(figures), figures.opened, figures.met, figures.missed)
    yield from (f"{count:,}" for count in counts)
    yield words.percent(figures.compliance)
    yield words.hours(figures.time_to_fix.median)


def _times(report: Report) -> Iterator[tuple[str, ...]]:
    for severity, time in words.times(report):
        yield severity, f"{time.fixed:,}", *map(words.hours, (time.median, time.p90, time.expected))


def _months(report: Report) -> Iterator[tuple[str, ...]]:
    for month in report.months:
        before = (f"{count:,}" for count in (month.opened, month.met, month.missed))
        after = (f"{count:,}" for count in (month.open_at_end, month.breached_at_end))
        yield month.name, *before, words.percent(month.compliance), *after


def _breaches(breaches: Sequence[TrackedFinding], now: int) -> Iterator[tuple[str, ...]]:
    for breach in breaches:
        finding = breach.finding
        about = (finding.severity, breach.asset, finding.rule.title, where(finding), breach.id[:ID_LENGTH])
        yield words.moment(breach.due_at), f"{words.days(words.late(breach, now))} d", *about
